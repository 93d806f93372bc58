"""The fast lane for nginx lines of our own log format: one regular expression over a whole chunk of lines.

A chunk in which each line matches, and which has no escapes, is counted without decoding a line. In any other chunk
each line is looked at by itself, and what does not match is read as JSON and counted as a fallback.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
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
LINE = re.compile(
    rb'^\{"msec":([0-9]{1,12}+\.[0-9]{1,9}+),"request_time":([0-9]{1,9}+\.[0-9]{1,9}+)'
    rb',"bytes_sent":([0-9]{1,15}+),"request_length":([0-9]{1,15}+)'
    rb',"edge":\{([^}]*+)\},"upstream":\{([^}]*+)\}'
    rb',"uri":"([^"]*+)","args":"([^"]*+)","viewer":\{([^}]*+)\},[^\n]*+(?<="\})\n',
    re.MULTILINE,
)
VIEWER = re.compile(
    b",".join(
        b'"%s":"([^"]*+)"' % name.encode()
        for name in ("remote_addr", "http_user_agent", "viewer_id", *nginx.CMCD_VARIABLES)
    )
)
Match = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
MAX_EDGES = 4_096
MAX_SPELLINGS = 16_384
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
        self._seconds: dict[bytes, tuple[float, int]] = {}
        """request_time as written → seconds and histogram bucket; it has few spellings"""
        self._fallback = tally.tables.fallback.cell(tally.identity.cdn, tally.identity.name)

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def take(self, chunk: bytes) -> None:
        """Count a chunk of whole lines."""
        if self._generation != self._tally.generation:
            self._forget()
        found: list[Match] = LINE.findall(chunk)
        if len(found) == chunk.count(b"\n") and b"\\" not in chunk:
            self._count(found)
        else:
            self._look_at_each(chunk)
        self._tally.bound()

    def _look_at_each(self, chunk: bytes) -> None:
        fast: list[Match] = []
        for line in chunk.splitlines(keepends=True):
            match = None if b"\\" in line else LINE.fullmatch(line)
            if match is not None:
                fast.append(match.groups())  # type: ignore[arg-type]
            elif not line.isspace():
                self._fall_back(line)
        self._count(fast)

    def _fall_back(self, line: bytes) -> None:
        self._fallback.value += 1
        try:
            record = self._parser.parse(line)
        except SourceFormatError:
            self._tally.refuse("parse_error")
        else:
            self._tally.count(record)

    def _count(self, found: list[Match]) -> None:
        """The loop that every line goes through; it does nothing but look up and add."""
        found = self._with_facts(found)
        if not found:
            return
        by_path, spellings, weight = self._by_path, self._seconds, self._tally.weight
        for _, took, size, request_size, edge, upstream, path, query, viewer in found:
            rows = by_path.get(path)
            if rows is None:
                rows = self._rows_of(path)
            row = rows.get(edge)
            if row is None:
                row = rows[edge] = self._tally.row(rows.target, self._facts[edge])
            row.count += 1
            row.bytes += int(size)
            row.request_bytes += int(request_size)
            spelled = spellings.get(took)
            if spelled is None:
                spelled = self._spell(took)
            seconds, bucket = spelled
            row.seconds += seconds
            row.durations[bucket] += weight
            if seconds >= SLOW_FLOOR_SECONDS:
                self._tally.check_slow(row, seconds, int(size), _cmcd(query, viewer))
            if upstream != NO_UPSTREAM:
                self._count_upstream(row, upstream)
        late = self._tally.note_times([float(one[0]) for one in found])
        if self._tally.hands_over and not late:
            self._hand_over(found)

    def _with_facts(self, found: list[Match]) -> list[Match]:
        """The lines whose ``edge`` part makes sense; the others are parse errors."""
        if len(self._facts) >= MAX_EDGES:
            self._forget()
        broken = set()
        for edge in {one[4] for one in found}.difference(self._facts):
            try:
                self._facts[edge] = nginx.facts_of(_object(edge))
            except SourceFormatError:
                broken.add(edge)
        if not broken:
            return found
        sound = [one for one in found if one[4] not in broken]
        self._tally.refuse("parse_error", len(found) - len(sound))
        return sound

    def _rows_of(self, path: bytes) -> TargetRows:
        if len(self._by_path) >= MAX_PATHS:
            self._by_path.clear()
        target = self._tally.map(path.decode("utf-8", "replace"))
        rows = self._by_target.get(target)
        if rows is None:
            rows = self._by_target[target] = TargetRows(target)
        self._by_path[path] = rows
        return rows

    def _spell(self, took: bytes) -> tuple[float, int]:
        if len(self._seconds) >= MAX_SPELLINGS:
            self._seconds.clear()
        seconds = float(took)
        spelled = self._seconds[took] = (seconds, bisect_left(metrics.FETCH_SECONDS, seconds))
        return spelled

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

    def _hand_over(self, found: list[Match]) -> None:
        cdn, handed, wanted = self._tally.identity.cdn, self._tally.handed, self._tally.speaks_of_viewer
        for msec, took, size, _, edge, _, path, query, viewer in found:
            target, facts = self._by_path[path].target, self._facts[edge]
            if not wanted(target, facts):
                continue
            seen = VIEWER.fullmatch(viewer)
            if seen is None:
                continue
            address, agent, signed_id, *headers = seen.groups()
            cmcd = query_cmcd(query) if b"CMCD=" in query else _joined(headers)
            handed.append(
                DeliveryRecord(
                    *(float(msec), cdn, target.stream, target.kind, target.variant),
                    *(int(facts.code) if facts.code.isdigit() else 0, int(size), float(took)),
                    *(address.decode("utf-8", "replace"), self._agent(agent), facts.country.replace("ZZ", "")),
                    *(signed_id.decode("utf-8", "replace")[:128], cmcd[:4096]),
                )
            )

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


def _cmcd(query: bytes, viewer: bytes) -> str:
    if b"CMCD=" in query:
        return query_cmcd(query)
    found = VIEWER.fullmatch(viewer)
    return "" if found is None else _joined(found.groups()[3:])


def _joined(headers: Iterable[bytes]) -> str:
    return b",".join(filter(None, headers)).decode("utf-8", "replace")
