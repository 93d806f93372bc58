"""Akamai DataStream 2: JSON lines, or "structured" lines whose fields stand in the order of the stream's set-up.

Fields: https://techdocs.akamai.com/datastream2/docs/data-set-parameters. Numbers come as texts, texts are
percent-encoded, and a viewer who gave up is ``ERR_CLIENT_ABORT``, which is no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from exporters.cdn.formats.values import json_row, number, query_cmcd, text, unquote, whole
from exporters.cdn.records import MAX_KEPT, LogRecord, make_facts
from exporters.errors import SourceFormatError

CDN = "akamai"
_STREAM_FIELDS = """
    version streamId cp reqId reqTimeSec bytes cliIP statusCode proto reqHost reqMethod reqPath reqPort
    rspContentLen rspContentType UA tlsVersion totalBytes queryStr errorCode timeToFirstByte turnAroundTimeMSec
    transferTimeMSec country cacheStatus cacheable cmcd
"""
STREAM_FIELDS = tuple(_STREAM_FIELDS.split())
"""The data-set fields to choose; also the order of structured lines unless another one is set."""


class AkamaiParser:
    """Reads DataStream 2 lines; ``fields`` is the order of structured ones."""

    cdn = CDN

    def __init__(self, fields: Sequence[str] = ()) -> None:
        self._fields = tuple(fields) or STREAM_FIELDS

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def parse(self, line: bytes) -> LogRecord:
        """Read one line; raises SourceFormatError when it is no record."""
        if line.lstrip().startswith(b"{"):
            return _record(json_row(line))
        values = line.decode("utf-8", "replace").split(" ")
        if len(values) != len(self._fields):
            raise SourceFormatError(f"{len(values)} fields instead of {len(self._fields)}")
        return _record(dict(zip(self._fields, values, strict=True)))


def _record(row: dict[str, Any]) -> LogRecord:
    status, cache = text(row.get("statusCode")).zfill(3), _cache(row)
    turned, sent = number(row, "turnAroundTimeMSec", -1.0), number(row, "transferTimeMSec", -1.0)
    seconds = (turned + sent) / 1000 if turned >= 0 and sent >= 0 else -1.0
    path = decoded(text(row.get("reqPath")))
    return LogRecord(
        time=number(row, "reqTimeSec") + max(0.0, seconds),
        facts=make_facts(
            status,
            cache,
            text(row.get("proto")),
            text(row.get("tlsVersion")),
            text(row.get("country")),
            "",
            (status,) if cache in ("miss", "bypass") else (),
            "ERR_CLIENT_ABORT" in text(row.get("errorCode")),
        ),
        path=path if path.startswith("/") else f"/{path}",
        bytes=whole(row, "totalBytes", -1) if text(row.get("totalBytes")) else whole(row, "bytes"),
        seconds=seconds,
        first_byte_seconds=number(row, "timeToFirstByte", -1000.0) / 1000,
        address=text(row.get("cliIP")),
        user_agent=agent(text(row.get("UA"))),
        cmcd=_cmcd(row),
        request_id=text(row.get("reqId")),
    )


def _cache(row: dict[str, Any]) -> str:
    state = text(row.get("cacheStatus"))
    if state == "1":
        return "hit"
    return "none" if state == "" else "bypass" if text(row.get("cacheable")) == "0" else "miss"


def _cmcd(row: dict[str, Any]) -> str:
    logged = text(row.get("cmcd"))
    if logged:
        # "//1.0@V/" and the like, a version of Akamai's own, comes before the keys.
        logged = decoded(logged)
        return logged.rpartition("@V/")[2] if "@V/" in logged[:16] else logged
    query = text(row.get("queryStr"))
    if "CMCD" not in query:
        return ""
    return query_cmcd(query if "CMCD=" in query else decoded(query))


def decoded(encoded: str) -> str:
    """Percent-decoded once."""
    return unquote(encoded) if len(encoded) > MAX_KEPT else _kept_decoded(encoded)


_kept_decoded = lru_cache(maxsize=4096)(unquote)


def agent(encoded: str) -> str:
    """A user agent, whose spaces may be plus signs or encoded twice."""
    return _agent(encoded) if len(encoded) > MAX_KEPT else _kept_agent(encoded)


def _agent(encoded: str) -> str:
    if " " not in encoded:
        encoded = encoded.replace("+", " ")
    once = unquote(encoded)
    return unquote(once) if "%20" in once or "%2" in once else once


_kept_agent = lru_cache(maxsize=1024)(_agent)
