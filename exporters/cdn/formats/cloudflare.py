"""Cloudflare Logpush ``http_requests`` (JSON lines).

Fields: https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/zone/http_requests/. Times come as
nanoseconds, seconds or RFC 3339, as the job is configured. Requests of Workers are no viewers and are left out.
"""

from __future__ import annotations

from typing import Any

from exporters.cdn.formats.values import join_cmcd, json_row, number, query_cmcd, text, url_parts, utc_time, whole
from exporters.cdn.records import LogRecord, make_facts
from exporters.errors import SourceFormatError

CDN = "cloudflare"
_LOGPUSH_FIELDS = """
    CacheCacheStatus ClientCountry ClientIP ClientRequestBytes ClientRequestProtocol ClientRequestSource
    ClientRequestURI ClientRequestUserAgent ClientSSLProtocol EdgeColoCode EdgeEndTimestamp EdgeResponseBytes
    EdgeResponseStatus EdgeStartTimestamp EdgeTimeToFirstByteMs OriginResponseDurationMs OriginResponseStatus RayID
    RequestHeaders WorkerSubrequest
"""
LOGPUSH_FIELDS = tuple(_LOGPUSH_FIELDS.split())
"""The fields to choose for the job."""
CACHE_STATES = {
    **{"hit": "hit", "stream_hit": "hit", "miss": "miss", "expired": "miss", "updating": "stale", "stale": "stale"},
    **{"revalidated": "revalidated", "bypass": "bypass", "ignored": "bypass", "dynamic": "bypass"},
}
VIEWER_SOURCES = ("eyeball", "", None)
TEST_UPLOAD = {"content": "tests"}
"""what Cloudflare sends when a job is made"""
CMCD_HEADERS = ("cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status")


class CloudflareParser:
    """Reads Logpush lines."""

    cdn = CDN

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def parse(self, line: bytes) -> LogRecord | None:
        """Read one line, None for a Worker's own request; raises SourceFormatError when it is no record."""
        row = json_row(line)
        if row == TEST_UPLOAD:
            return None
        if row.get("WorkerSubrequest") is True or row.get("ClientRequestSource") not in VIEWER_SOURCES:
            return None
        path, query = url_parts(text(row.get("ClientRequestURI")) or text(row.get("ClientRequestPath")))
        end, seconds = end_and_seconds(row)
        status, origin = text(row.get("EdgeResponseStatus")).zfill(3), text(row.get("OriginResponseStatus"))
        asked = origin not in ("", "0")
        return LogRecord(
            time=end,
            facts=make_facts(
                status,
                CACHE_STATES.get(text(row.get("CacheCacheStatus")), "none"),
                text(row.get("ClientRequestProtocol")),
                text(row.get("ClientSSLProtocol")),
                text(row.get("ClientCountry")),
                text(row.get("EdgeColoCode"))[:3].upper(),
                (origin,) if asked else (),
            ),
            path=path,
            bytes=whole(row, "EdgeResponseBytes"),
            request_bytes=whole(row, "ClientRequestBytes", -1),
            seconds=seconds,
            first_byte_seconds=number(row, "EdgeTimeToFirstByteMs", -1000.0) / 1000,
            origin_seconds=(_origin_seconds(row),) if asked else (),
            address=text(row.get("ClientIP")),
            user_agent=text(row.get("ClientRequestUserAgent")),
            cmcd=query_cmcd(query) or _header_cmcd(row.get("RequestHeaders")),
            request_id=text(row.get("RayID")),
        )


def end_and_seconds(row: dict[str, Any]) -> tuple[float, float]:
    """When a request ended, or began where that is all that is logged; and its seconds, -1 where no two exact times."""
    begin, end = row.get("EdgeStartTimestamp"), row.get("EdgeEndTimestamp")
    if begin is None or end is None:
        return time_of(end if begin is None else begin)[0], -1.0
    (begun, exact), (ended, _) = time_of(begin), time_of(end)
    return ended, max(0.0, ended - begun) if exact else -1.0


def time_of(value: Any) -> tuple[float, bool]:
    """Unix seconds, and whether they are finer than whole seconds."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        return utc_time(value), "." in value
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise SourceFormatError("EdgeStartTimestamp and EdgeEndTimestamp are missing")
    ticks = int(value[:20]) if isinstance(value, str) else value
    if not 0 <= ticks < 1 << 63:
        raise SourceFormatError(f"{ticks} is out of range of times")
    return (ticks / 1e9, True) if ticks > 10**14 else (float(ticks), False)


def _origin_seconds(row: dict[str, Any]) -> float:
    waited = number(row, "OriginResponseDurationMs", -1.0)
    return waited / 1000 if waited >= 0 else number(row, "OriginResponseTime", 0.0) / 1e9


def _header_cmcd(headers: Any) -> str:
    if not isinstance(headers, dict):
        return ""
    lower = {str(name).lower(): text(value) for name, value in headers.items()}
    return join_cmcd([lower.get(name, "") for name in CMCD_HEADERS])
