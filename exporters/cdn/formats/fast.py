"""The fast lane for nginx lines of our own log format: one regular expression over a whole chunk of lines.

No line of a chunk that matches throughout is decoded. In any other chunk each line is looked at by itself, and what
does not match is read as JSON and counted as a fallback.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Any

import orjson

from exporters import metrics
from exporters.cdn.formats import nginx
from exporters.cdn.formats.values import numbers, query_cmcd, text
from exporters.cdn.paths import Target
from exporters.cdn.records import Facts
from exporters.cdn.tally import MAX_PATHS, SLOW_FLOOR_SECONDS, Row, SourceTally
from exporters.errors import SourceFormatError
from exporters.handoff import DeliveryRecord

NO_UPSTREAM = b",".join(b'"%s":""' % name.encode() for name in nginx.UPSTREAM_VARIABLES)
NO_CMCD = b",".join(b'"%s":""' % name.encode() for name in nginx.CMCD_VARIABLES)
LINE = re.compile(
    rb'^\{"'
    + " ".join(nginx.REQUEST_VARIABLES).encode()
    + rb'":\[([^]]{7,64}+)\],"edge":\{([^}]*+)\},"upstream":\{([^}]*+)\}'
    rb',"uri":"([^"]*+)","args":"([^"]*+)"'
    rb',"viewer":\{"remote_addr":"([^"]*+)","http_user_agent":"([^"]*+)","viewer_id":"([^"]*+)",' + NO_CMCD + rb"\},"
    rb'[^\n]*+(?<="\})\n'
    rb"|([^\n]*+\n)",  # any other line, for the slow lane
    re.MULTILINE,
)
NUMBERS = re.compile(rb"[0-9]+(?:\.[0-9]+)?,[0-9]+(?:\.[0-9]+)?,[0-9]+,[0-9]+")
NUMERIC = b"0123456789.,[]"
Match = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
Numbers = tuple[float, float, int, int]
REQUEST, EDGE, OTHER_LINE = 0, 1, 8
MAX_EDGES = 4_096
MAX_BUCKETED = 8_192
MAX_AGENTS = 1_024


class NginxCounter:
    """Counts chunks of nginx lines into a tally."""

    def __init__(self, tally: SourceTally, parser: nginx.NginxParser) -> None:
        self._tally = tally
        self._parser = parser
        self._generation = tally.generation
        self._by_path: dict[bytes, TargetRows] = {}
        self._by_target: dict[Target, TargetRows] = {}
        self._facts: dict[bytes, Facts] = {}
        self._agents: dict[bytes, str] = {}
        self._buckets: dict[float, int] = {}
        """request_time → histogram bucket; nginx rounds it to milliseconds, so that it has few values"""
        self._fallback = tally.tables.fallback.cell(tally.identity.cdn, tally.identity.name)

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def take(self, chunk: bytes) -> None:
        """Count a chunk of whole lines."""
        if self._generation != self._tally.generation or len(self._facts) >= MAX_EDGES:
            self._forget()
        found: list[Match] = LINE.findall(chunk)
        numbers = None if any([one[OTHER_LINE] for one in found]) or not self._know(found) else _numbers(found)
        if numbers is None:
            found = self._look_at_each(chunk)
            numbers = _numbers(found) or []
        if b"\\" in chunk:
            found = [_unescaped(one) for one in found]
        if found:
            self._count(found, numbers)
        self._tally.bound()

    def _know(self, found: list[Match]) -> bool:
        """Whether the ``edge`` part of each line makes sense; a torn line's does not, and may hold two lines."""
        try:
            for edge in {one[EDGE] for one in found}.difference(self._facts):
                self._facts[edge] = nginx.facts_of(_object(edge))
        except SourceFormatError:
            return False
        return True

    def _look_at_each(self, chunk: bytes) -> list[Match]:
        """The lines for the fast lane; the others are counted here."""
        fast: list[Match] = []
        for line in chunk.split(b"\n")[:-1]:
            one: Match = LINE.findall(line + b"\n")[0]
            if not one[OTHER_LINE] and NUMBERS.fullmatch(one[REQUEST]) and self._know([one]):
                fast.append(one)
            elif line and not line.isspace():
                self._fall_back(line)
        return fast

    def _fall_back(self, line: bytes) -> None:
        self._fallback.value += 1
        try:
            record = self._parser.parse(line)
        except SourceFormatError:
            self._tally.refuse("parse_error")
        else:
            self._tally.count(record)

    def _count(self, found: list[Match], numbers: list[Numbers]) -> None:
        """The loop that every line goes through; it does nothing but look up and add."""
        by_path, buckets, weight = self._by_path, self._buckets, self._tally.weight
        for (_, edge, upstream, path, query, _, _, _, _), (_, seconds, size, request_size) in zip(
            found, numbers, strict=True
        ):
            rows = by_path.get(path)
            if rows is None:
                rows = self._rows_of(path)
            row = rows.get(edge)
            if row is None:
                row = rows[edge] = self._tally.row(rows.target, self._facts[edge])
            row.count += 1
            row.bytes += size
            row.request_bytes += request_size
            row.seconds += seconds
            bucket = buckets.get(seconds)
            if bucket is None:
                bucket = self._bucket(seconds)
            row.durations[bucket] += weight
            if seconds >= SLOW_FLOOR_SECONDS:
                self._tally.check_slow(row, seconds, size, query_cmcd(query))
            if upstream != NO_UPSTREAM:
                self._count_upstream(row, upstream)
        late = self._tally.note_times([one[0] for one in numbers])
        if self._tally.hands_over and not late:
            self._hand_over(found, numbers)

    def _rows_of(self, path: bytes) -> TargetRows:
        if len(self._by_path) >= MAX_PATHS:
            self._by_path.clear()
        target = self._tally.map(path.decode("utf-8", "replace"))
        rows = self._by_target.get(target)
        if rows is None:
            rows = self._by_target[target] = TargetRows(target)
        self._by_path[path] = rows
        return rows

    def _bucket(self, seconds: float) -> int:
        if len(self._buckets) >= MAX_BUCKETED:
            self._buckets.clear()
        bucket = self._buckets[seconds] = bisect_left(metrics.FETCH_SECONDS, seconds)
        return bucket

    def _count_upstream(self, row: Row, upstream: bytes) -> None:
        try:
            times = _object(upstream)
        except SourceFormatError:
            return
        waited = nginx.first_byte(text(times.get("upstream_header_time")))
        if waited >= 0:
            self._tally.first_byte(row, waited)
        for seconds in numbers(text(times.get("upstream_response_time"))):
            self._tally.origin(seconds)
        row.origin_bytes += int(sum(numbers(text(times.get("upstream_bytes_received")))))

    def _hand_over(self, found: list[Match], numbers: list[Numbers]) -> None:
        cdn, handed, wanted = self._tally.identity.cdn, self._tally.handed, self._tally.speaks_of_viewer
        for one, (time, seconds, size, _) in zip(found, numbers, strict=True):
            _, edge, _, path, query, address, agent, signed_id, _ = one
            rows = self._by_path.get(path)
            target = (self._rows_of(path) if rows is None else rows).target
            facts = self._facts[edge]
            if wanted(target, facts):
                record = (
                    *(time, cdn, target.stream, target.kind, target.variant, int(facts.code), size, seconds),
                    *(address.decode("utf-8", "replace"), self._agent(agent), facts.country.replace("ZZ", "")),
                    *(signed_id.decode("utf-8", "replace")[:128], query_cmcd(query)[:4096]),
                )
                handed.append(DeliveryRecord._make(record))

    def _agent(self, agent: bytes) -> str:
        found = self._agents.get(agent)
        if found is None:
            if len(self._agents) >= MAX_AGENTS:
                self._agents.clear()
            found = self._agents[agent] = agent.decode("utf-8", "replace")[:512]
        return found

    def _forget(self) -> None:
        self._generation = self._tally.generation
        self._by_path.clear()
        self._by_target.clear()
        self._facts.clear()


class TargetRows(dict[bytes, Row]):
    """The rows of one target by the line's ``edge`` part."""

    __slots__ = ("target",)

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


def _object(inner: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(b"{" + inner.decode("utf-8", "replace").encode() + b"}")
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"no JSON object: {error}") from error
    return found


def _numbers(found: list[Match]) -> list[Numbers] | None:
    """The four numbers of each line; None where one has something else in their place."""
    joined = b"],[".join([one[REQUEST] for one in found])
    if joined.translate(None, NUMERIC):
        return None
    try:
        rows: list[Numbers] = orjson.loads(b"[[" + joined + b"]]") if found else []
    except orjson.JSONDecodeError:
        return None
    return rows if set(map(len, rows)) <= {len(nginx.REQUEST_VARIABLES)} else None


def _unescaped(one: Match) -> Match:
    """The match with what JSON escapes in its texts undone."""
    if not any(b"\\" in part for part in one):
        return one
    return tuple(_text(part) if b"\\" in part else part for part in one)  # type: ignore[return-value]


def _text(inner: bytes) -> bytes:
    try:
        return str(orjson.loads(b'"' + inner.decode("utf-8", "replace").encode() + b'"')).encode("utf-8", "replace")
    except orjson.JSONDecodeError:
        return inner
