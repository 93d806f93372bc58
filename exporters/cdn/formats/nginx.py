"""nginx access logs as JSON: the log format to configure, and the reading of its lines.

The format puts the four numbers of a request into one array, named by its key, and what is alike in many requests into
one object, ``edge``, so that the fast lane need not take them apart. Lines of another layout are read as JSON by their
keys, and the names that other people's formats use are known.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from exporters.cdn.formats.values import join_cmcd, json_row, number, numbers, query_cmcd, text, whole
from exporters.cdn.records import Facts, LogRecord, make_facts

CDN = "nginx"
NAME = "livestream"
CACHE_STATES = {
    "HIT": "hit",
    "MISS": "miss",
    "EXPIRED": "miss",
    "SCARCE": "miss",
    "STALE": "stale",
    "UPDATING": "stale",
    "REVALIDATED": "revalidated",
    "BYPASS": "bypass",
}
REQUEST_VARIABLES = ("msec", "request_time", "bytes_sent", "request_length")
EDGE_VARIABLES = ("status", "upstream_cache_status", "upstream_status", "server_protocol", "ssl_protocol")
UPSTREAM_VARIABLES = (
    *("upstream_response_time", "upstream_header_time", "upstream_connect_time", "upstream_bytes_received"),
)
CMCD_VARIABLES = ("http_cmcd_object", "http_cmcd_request", "http_cmcd_session", "http_cmcd_status")
OTHER_VARIABLES = (
    *("request_method", "scheme", "host", "http_x_forwarded_for", "http_referer", "http_range"),
    *("sent_http_content_type", "body_bytes_sent", "request_id", "time_iso8601"),
)
ALIASES = {
    "cache": "upstream_cache_status",
    "proto": "server_protocol",
    "upstream_time": "upstream_response_time",
    "ua": "http_user_agent",
    "session": "viewer_id",
    "cmcd_object": "http_cmcd_object",
    "cmcd_request": "http_cmcd_request",
    "cmcd_session": "http_cmcd_session",
    "cmcd_status": "http_cmcd_status",
    "geoip2_country": "country",
}


def _quoted(names: tuple[str, ...]) -> list[str]:
    return [f'"{name}":"${name}"' for name in names]


def log_format(country: str = "", viewer: str = "$cookie_viewer_id", pop: str = "$hostname") -> str:
    """The ``log_format`` directive for nginx.conf (http context).

    ``country`` is a variable with an ISO 3166-1 code (``$geoip2_country`` or ``$http_cf_ipcountry``), ``viewer`` one
    that tells signed-in viewers apart, ``pop`` the name of this edge.
    """
    edge = ",".join([*_quoted(EDGE_VARIABLES), f'"country":"{country}"', f'"pop":"{pop}"'])
    upstream = ",".join(_quoted(UPSTREAM_VARIABLES))
    viewer_keys = ('"remote_addr":"$remote_addr"', '"http_user_agent":"$http_user_agent"', f'"viewer_id":"{viewer}"')
    parts = (
        f'{{"{" ".join(REQUEST_VARIABLES)}":[{",".join(f"${name}" for name in REQUEST_VARIABLES)}],',
        f'"edge":{{{edge}}},',
        f'"upstream":{{{upstream}}},',
        '"uri":"$uri","args":"$args",',
        f'"viewer":{{{",".join([*viewer_keys, *_quoted(CMCD_VARIABLES)])}}},',
        ",".join(_quoted(OTHER_VARIABLES)) + "}",
    )
    return f"log_format {NAME} escape=json\n" + "\n".join(f"    '{part}'" for part in parts) + ";\n"


LOG_FORMAT = log_format()
"""The directive with its defaults; use it as ``access_log /var/log/nginx/edge.json livestream;``."""


class NginxParser:
    """Reads any JSON access-log line by nginx variable names."""

    cdn = CDN

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def parse(self, line: bytes) -> LogRecord:
        """Read one line; raises SourceFormatError when it is no record."""
        return record_of(flat(json_row(line)))


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """One level of keys by the names of nginx variables."""
    merged = row.copy()
    for key, value in row.items():
        if type(value) is dict:
            merged.update(value)
        elif type(value) is list:
            merged.update(zip(key.split(), value, strict=False))
    for alias, name in ALIASES.items():
        if alias in row:
            merged[name] = row[alias]
    return merged


def record_of(row: dict[str, Any]) -> LogRecord:
    """A record from variables by name; raises SourceFormatError where one that is needed is missing or wrong."""
    upstream = text(row.get("upstream_response_time"))
    return LogRecord(
        time=number(row, "msec"),
        facts=facts_of(row),
        path=text(row.get("uri")) or text(row.get("request_uri")).partition("?")[0],
        bytes=whole(row, "bytes_sent"),
        request_bytes=whole(row, "request_length", -1),
        seconds=number(row, "request_time", -1.0),
        first_byte_seconds=first_byte(text(row.get("upstream_header_time"))),
        origin_seconds=numbers(upstream),
        origin_bytes=int(sum(numbers(text(row.get("upstream_bytes_received"))))),
        address=text(row.get("remote_addr")),
        user_agent=text(row.get("http_user_agent")),
        signed_id=text(row.get("viewer_id")),
        cmcd=cmcd_of(row),
        request_id=text(row.get("request_id")),
    )


def facts_of(row: dict[str, Any]) -> Facts:
    """The facts among a line's variables."""
    cache = text(row.get("upstream_cache_status"))
    return make_facts(
        text(row.get("status")).zfill(3),
        CACHE_STATES.get(cache, "none"),
        text(row.get("server_protocol")),
        text(row.get("ssl_protocol")),
        text(row.get("country")),
        text(row.get("pop")),
        statuses(text(row.get("upstream_status"))),
    )


def statuses(listed: str) -> tuple[str, ...]:
    """Status codes of an upstream list such as ``502, 200 : 304``; at most eight, without ``-``."""
    return _statuses(listed[:128])


@lru_cache(maxsize=512)
def _statuses(listed: str) -> tuple[str, ...]:
    codes = (code.strip() for code in listed.replace(":", ",").split(","))
    return tuple(code for code in codes if code.isascii() and code.isdigit())[:8]


def first_byte(header_times: str) -> float:
    """Time to the first byte where the origin was asked: the tries add up; -1 where a cache answered."""
    times = numbers(header_times)
    return sum(times) if times else -1.0


def cmcd_of(row: dict[str, Any]) -> str:
    """CMCD of the query argument, else of the four headers."""
    args = text(row.get("args"))
    found = query_cmcd(args)
    return found or join_cmcd([text(row.get(name)) for name in CMCD_VARIABLES])
