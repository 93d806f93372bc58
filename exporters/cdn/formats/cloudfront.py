"""CloudFront access logs: standard (tab-separated with a ``#Fields`` line, or JSON) and real-time (tab-separated).

Fields: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html and
real-time-logs.html. A viewer who gave up shows as ``ClientCommError`` or status 000.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

import orjson

from exporters.cdn.formats.values import as_number, as_whole, join_cmcd, query_cmcd, text, unquote, utc_time
from exporters.cdn.records import MAX_KEPT, LogRecord, make_facts
from exporters.errors import ConfigError, SourceFormatError

CDN = "cloudfront"
_STANDARD_FIELDS = """
    date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent)
    cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken
    x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status
    fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len
    sc-range-start sc-range-end
"""
STANDARD_FIELDS = tuple(_STANDARD_FIELDS.split())
_REALTIME_FIELDS = """
    timestamp c-ip s-ip time-to-first-byte sc-status sc-bytes cs-method cs-protocol cs-host cs-uri-stem cs-bytes
    x-edge-location x-edge-request-id x-host-header time-taken cs-protocol-version c-ip-version cs-user-agent
    cs-referer cs-cookie cs-uri-query x-edge-response-result-type x-forwarded-for ssl-protocol ssl-cipher
    x-edge-result-type fle-encrypted-fields fle-status sc-content-type sc-content-len sc-range-start sc-range-end
    c-port x-edge-detailed-result-type c-country cs-accept-encoding cs-accept cache-behavior-path-pattern cs-headers
    cs-header-names cs-headers-count primary-distribution-id primary-distribution-dns-name origin-fbl origin-lbl asn
    cmcd-encoded-bitrate cmcd-buffer-length cmcd-buffer-starvation cmcd-content-id cmcd-object-duration
    cmcd-deadline cmcd-measured-throughput cmcd-next-object-request cmcd-next-range-request cmcd-object-type
    cmcd-playback-rate cmcd-requested-maximum-throughput cmcd-streaming-format cmcd-session-id cmcd-stream-type
    cmcd-startup cmcd-top-bitrate cmcd-version r-host sr-reason x-edge-mqcs distribution-tenant-id connection-id
    viewer-request-log-data
"""
REALTIME_FIELDS = tuple(_REALTIME_FIELDS.split())
CMCD_FIELDS = {
    **{"cmcd-encoded-bitrate": "br", "cmcd-buffer-length": "bl", "cmcd-buffer-starvation": "bs"},
    **{"cmcd-content-id": "cid", "cmcd-object-duration": "d", "cmcd-deadline": "dl", "cmcd-measured-throughput": "mtp"},
    **{"cmcd-object-type": "ot", "cmcd-playback-rate": "pr", "cmcd-requested-maximum-throughput": "rtp"},
    **{"cmcd-streaming-format": "sf", "cmcd-session-id": "sid", "cmcd-stream-type": "st", "cmcd-startup": "su"},
    **{"cmcd-top-bitrate": "tb", "cmcd-version": "v"},
}
CMCD_TEXTS, CMCD_FLAGS = frozenset({"cid", "sid"}), frozenset({"bs", "su"})
NEEDED = (
    *("timestamp", "timestamp(ms)", "date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-uri-stem", "sc-status"),
    *("cs-user-agent", "cs-uri-query", "x-edge-result-type", "x-edge-request-id", "cs-bytes", "time-taken"),
    *("ssl-protocol", "cs-protocol-version", "time-to-first-byte", "x-edge-detailed-result-type", "c-country"),
    *("origin-fbl", "origin-lbl", "cs-headers"),
)
SAME_FIELDS = {"cs(User-Agent)": "cs-user-agent", "cs(Host)": "cs-host"}
CACHE_STATES = {
    **{"Hit": "hit", "OriginShieldHit": "hit", "RefreshHit": "revalidated", "Miss": "miss"},
    **{"Error": "error", "LimitExceeded": "error", "CapacityExceeded": "error"},
}
ABORTED = frozenset({"ClientCommError", "ClientHungUpRequest"})


class CloudFrontParser:
    """Reads lines whose fields are given, or named by a ``#Fields`` line before them."""

    cdn = CDN

    def __init__(self, fields: Sequence[str]) -> None:
        self._name(fields)

    def begin(self, head: bytes) -> None:
        """Take the fields from the header of a log file, where it has one."""
        for line in head.split(b"\n"):
            if line.startswith(b"#Fields:"):
                self._name(line[8:].decode("utf-8", "replace").split())

    def parse(self, line: bytes) -> LogRecord | None:
        """Read one line, None for a header; raises SourceFormatError when it is no record."""
        if line.startswith(b"#"):
            self.begin(line)
            return None
        if line.startswith(b"{"):
            return self._parse_json(line)
        values = line.decode("utf-8", "replace").rstrip("\r\n").split("\t")
        if len(values) != self._count:
            raise SourceFormatError(f"{len(values)} fields instead of {self._count}")
        values.append("-")
        return _record(self._pick(values), self._cmcd(values))

    def _parse_json(self, line: bytes) -> LogRecord:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise SourceFormatError(f"no JSON: {error}") from error
        named = {SAME_FIELDS.get(name, name): text(value) or "-" for name, value in row.items()}
        parts = _cmcd_parts([(key, named[name]) for name, key in CMCD_FIELDS.items() if name in named])
        return _record(tuple(named.get(name, "-") for name in NEEDED), parts)

    def _name(self, fields: Sequence[str]) -> None:
        names = [SAME_FIELDS.get(name, name) for name in fields]
        places = {name: place for place, name in enumerate(names)}
        self._count = len(names)
        self._pick = itemgetter(*(places.get(name, self._count) for name in NEEDED))
        self._cmcd_places = [(key, places[name]) for name, key in CMCD_FIELDS.items() if name in places]

    def _cmcd(self, values: Sequence[str]) -> str:
        return _cmcd_parts([(key, values[place]) for key, place in self._cmcd_places])


def realtime_fields(chosen: Sequence[str]) -> tuple[str, ...]:
    """The chosen fields in the order in which CloudFront delivers them; all of them when none are chosen."""
    unknown = sorted(set(chosen) - set(REALTIME_FIELDS))
    if unknown:
        raise ConfigError(f"CDN_CLOUDFRONT_FIELDS has {', '.join(unknown)}, which CloudFront does not know")
    return tuple(name for name in REALTIME_FIELDS if name in chosen) if chosen else REALTIME_FIELDS


def _record(values: tuple[str, ...], cmcd: str) -> LogRecord:
    location, size, address, stem, status, agent, query, result, request_id, sent, taken = values[4:15]
    tls, protocol, first_byte, detail, country, origin_first, origin_last, headers = values[15:]
    cache = CACHE_STATES.get(result, "none")
    origin = (status,) if cache == "miss" or origin_first != "-" else ()
    query_text = "" if query == "-" else query
    return LogRecord(
        time=_time(*values[:4]),
        facts=make_facts(
            status.zfill(3),
            cache,
            protocol,
            tls,
            country,
            location[:3] if location != "-" else "",
            origin,
            detail in ABORTED or result in ABORTED,
        ),
        path=unquote(stem),
        bytes=as_whole(size, "sc-bytes"),
        request_bytes=as_whole(sent, "cs-bytes", -1),
        seconds=as_number(taken, "time-taken", -1.0),
        first_byte_seconds=as_number(first_byte, "time-to-first-byte", -1.0),
        origin_seconds=() if origin_last == "-" else (as_number(origin_last, "origin-lbl"),),
        address="" if address == "-" else address,
        user_agent=_twice(agent),
        cmcd=cmcd or _query(query_text) or _headers(headers),
        request_id="" if request_id == "-" else request_id,
    )


def _query(query: str) -> str:
    # The log encodes the query's percent signs once more: %3D is logged as %253D, or as it came.
    if "CMCD=" not in query:
        return ""
    cmcd = query_cmcd(query)
    return unquote(cmcd) if "%3D" in cmcd or "%2C" in cmcd else cmcd


def _headers(headers: str) -> str:
    if headers == "-" or "cmcd" not in headers.lower():
        return ""
    lines = (line.partition(":") for line in _twice(headers).splitlines())
    return join_cmcd([value.strip() for name, _, value in lines if name.strip().lower().startswith("cmcd-")])


def _cmcd_parts(parts: list[tuple[str, str]]) -> str:
    found = []
    for key, value in parts:
        if value in ("-", ""):
            continue
        if key in CMCD_FLAGS:
            if value.lower() in ("true", "1"):
                found.append(key)
        else:
            found.append(f'{key}="{_twice(value)}"' if key in CMCD_TEXTS else f"{key}={value}")
    return ",".join(found)


def _twice(encoded: str) -> str:
    """Percent-decoded twice: CloudFront encodes what a viewer has sent encoded once more."""
    if encoded == "-":
        return ""
    return unquote(unquote(encoded)) if len(encoded) > MAX_KEPT else _kept_twice(encoded)


@lru_cache(maxsize=4096)
def _kept_twice(encoded: str) -> str:
    return unquote(unquote(encoded))


def _time(timestamp: str, milliseconds: str, date: str, clock: str) -> float:
    if timestamp != "-":
        return as_number(timestamp, "timestamp")
    if milliseconds != "-":
        return as_number(milliseconds, "timestamp(ms)") / 1000
    return utc_time(f"{date}T{clock}")
