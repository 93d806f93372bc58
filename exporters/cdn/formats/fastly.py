"""Fastly real-time log streaming: the format to configure (version 2, JSON lines), and the reading of its lines."""

from __future__ import annotations

import re
from functools import lru_cache

from exporters.cdn.formats.values import join_cmcd, json_row, number, query_cmcd, text, url_parts, whole
from exporters.cdn.records import LogRecord, make_facts

CDN = "fastly"
TEMPLATE_FIELDS = (
    ("time_start_ms", "%{begin:msec}t"),
    ("time_elapsed_us", "%{time.elapsed.usec}V"),
    ("ttfb_s", "%{time.to_first_byte}V"),
    ("status", "%{resp.status}V"),
    ("resp_bytes", "%{resp.bytes_written}V"),
    ("req_bytes", "%{req.bytes_read}V"),
    ("state", '"%{json.escape(fastly_info.state)}V"'),
    ("completed", '"%{resp.completed}V"'),
    ("proto", '"%{json.escape(req.proto)}V"'),
    ("tls", '"%{json.escape(tls.client.protocol)}V"'),
    ("country", '"%{client.geo.country_code}V"'),
    ("pop", '"%{server.datacenter}V"'),
    ("url", '"%{json.escape(req.url)}V"'),
    ("client_ip", '"%{req.http.Fastly-Client-IP}V"'),
    ("ua", '"%{json.escape(req.http.User-Agent)}V"'),
    ("request_id", '"%{json.escape(req.xid)}V"'),
    ("cmcd_object", '"%{json.escape(req.http.CMCD-Object)}V"'),
    ("cmcd_request", '"%{json.escape(req.http.CMCD-Request)}V"'),
    ("cmcd_session", '"%{json.escape(req.http.CMCD-Session)}V"'),
    ("cmcd_status", '"%{json.escape(req.http.CMCD-Status)}V"'),
)
LOG_FORMAT = "{" + ",".join(f'"{name}":{value}' for name, value in TEMPLATE_FIELDS) + "}"
"""The text for the endpoint's "Log format" field."""
CMCD_FIELDS = ("cmcd_object", "cmcd_request", "cmcd_session", "cmcd_status")
STATE = re.compile(r"^(SYNTH|HITPASS|HIT|MISS|PASS|ERROR|PIPE)(.*)")
CACHE_STATES = {"HIT": "hit", "MISS": "miss", "PASS": "bypass", "HITPASS": "bypass", "PIPE": "bypass", "ERROR": "error"}


class FastlyParser:
    """Reads lines of ``LOG_FORMAT``; fields more or fewer do no harm but for time, status, url and bytes."""

    cdn = CDN

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def parse(self, line: bytes) -> LogRecord:
        """Read one line; raises SourceFormatError when it is no record."""
        row = json_row(line)
        path, query = url_parts(text(row.get("url")))
        seconds = number(row, "time_elapsed_us", -1e6) / 1e6
        status, cache = text(row.get("status")).zfill(3), cache_state(text(row.get("state")))
        return LogRecord(
            time=number(row, "time_start_ms") / 1000 + max(0.0, seconds),
            facts=make_facts(
                status,
                cache,
                text(row.get("proto")),
                text(row.get("tls")),
                text(row.get("country")),
                text(row.get("pop"))[:3].upper(),
                (status,) if cache in ("miss", "bypass") else (),
                text(row.get("completed")) in ("0", "false"),
            ),
            path=path,
            bytes=whole(row, "resp_bytes"),
            request_bytes=whole(row, "req_bytes", -1),
            seconds=seconds,
            first_byte_seconds=number(row, "ttfb_s", -1.0),
            address=text(row.get("client_ip")),
            user_agent=text(row.get("ua")),
            cmcd=query_cmcd(query) or join_cmcd([text(row.get(name)) for name in CMCD_FIELDS]),
            request_id=text(row.get("request_id")),
        )


def cache_state(state: str) -> str:
    """The cache state from ``fastly_info.state`` such as ``HIT-CLUSTER``, ``HIT-STALE``, ``MISS-WAIT``, ``HITPASS``."""
    return _cache_state(state[:64])


@lru_cache(maxsize=256)
def _cache_state(state: str) -> str:
    found = STATE.match(state)
    if found is None or found[1] == "SYNTH" or "SYNTH" in found[2]:
        return "none"
    return "stale" if found[1] == "HIT" and "STALE" in found[2] else CACHE_STATES[found[1]]
