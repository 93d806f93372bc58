"""The fast lane for nginx lines of our own log format: each line is taken apart by what stands between its fields.

Texts are used as they are, numbers are read for a whole chunk at once, and what is alike in many lines is looked up. A
line that is laid out in any other way goes through the slow lane, which reads it as JSON, and is counted as a fallback.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from exporters.cdn.formats import nginx
from exporters.cdn.formats.values import MAX_NUMBER, numbers, query_cmcd, text
from exporters.cdn.records import MAX_KEPT, Facts
from exporters.cdn.rows import DeliveryRow, TargetRows
from exporters.cdn.tally import SLOW_FLOOR_SECONDS, SourceTally
from exporters.errors import SourceFormatError

HEAD: Final = '{"' + " ".join(nginx.REQUEST_VARIABLES) + '":['
NO_UPSTREAM: Final = ",".join(f'"{name}":""' for name in nginx.UPSTREAM_VARIABLES)
NO_CMCD: Final = ",".join(f'"{name}":""' for name in nginx.CMCD_VARIABLES)
AFTER_NUMBERS: Final = '],"edge":{'
AFTER_EDGE: Final = '},"upstream":{'
AFTER_UPSTREAM: Final = '},"uri":"'
WITHOUT_UPSTREAM: Final = AFTER_EDGE + NO_UPSTREAM + AFTER_UPSTREAM
AFTER_PATH: Final = '","args":"'
AFTER_TEXTS: Final = (*('","viewer":{"remote_addr":"', '","http_user_agent":"', '","viewer_id":"', f'",{NO_CMCD}}},'),)
"""what stands after the query, the address, the user agent and the viewer id"""
TAIL: Final = '"}'
NUMERIC: Final = b"0123456789.,"
NO_NUMBER: Final = -1
"""stands after the numbers of each line, since no line can have it itself"""
MAX_EDGES: Final = 4_096
ESCAPED: Final = re.compile(r'(?:[^"\\]++|\\.)*+(?=")')
"""a text up to its closing quote"""


class Chunk:
    """Lines taken apart, one entry a line in each list; ``queries`` are the places where their queries begin."""

    def __init__(self, lines: str) -> None:
        self.lines = lines
        self.plain = "\\" not in lines
        """whether no text has anything escaped"""
        self.numbers: list[str] = []
        self.facts: list[Facts] = []
        self.upstreams: list[str] = []
        self.targets: list[TargetRows] = []
        self.queries: list[int] = []

    def texts(self, place: int) -> list[str]:
        """CMCD, address, user agent and viewer id of a line."""
        at = self.queries[place]
        found: list[str] = []
        for separator in AFTER_TEXTS:
            stop = _closing(self.lines, at, len(self.lines), self.plain)
            found.append(text(_unescaped(self.lines[at:stop], self.plain)))
            at = stop + len(separator)
        found[0] = query_cmcd(found[0])
        return found


class NginxCounter:
    """Counts chunks of nginx lines into a tally."""

    def __init__(self, tally: SourceTally, parser: nginx.NginxParser) -> None:
        self._tally = tally
        self._parser = parser
        self._edges: dict[str, Facts] = {}

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def take(self, chunk: bytes) -> None:
        """Count a chunk of whole lines."""
        if len(self._edges) >= MAX_EDGES:
            self._edges.clear()
        lines = chunk.decode("utf-8", "replace")
        if not self._take_fast(lines):
            self._take_each(lines.split("\n"))
        self._tally.bound()

    def _take_fast(self, lines: str) -> bool:
        """Count lines that are all laid out as they should be; else nothing is counted, and false."""
        chunk = Chunk(lines)
        start, size = 0, len(lines)
        while start < size:
            end = lines.find("\n", start)
            if end < 0 or not self._take_apart(chunk, start, end):
                return False
            start = end + 1
        values = _values(chunk.numbers)
        if values is None:
            return False
        self._count(chunk, values)
        return True

    def _take_apart(self, chunk: Chunk, start: int, end: int) -> bool:
        """Add the line from ``start`` to ``end`` to the chunk; false where it is laid out in another way."""
        lines = chunk.lines
        at = start + len(HEAD)
        stop = lines.find("]", at, end)
        brace = lines.find("}", at, end)
        begin = stop + len(AFTER_NUMBERS)
        if stop < 0 or brace < begin or lines[start:at] != HEAD or lines[stop:begin] != AFTER_NUMBERS:
            return False
        facts = self._facts(lines[begin:brace])
        if facts is None or lines[end - len(TAIL) : end] != TAIL:
            return False
        upstream = ""
        path_at = brace + len(WITHOUT_UPSTREAM)
        if lines[brace:path_at] != WITHOUT_UPSTREAM:
            begin = brace + len(AFTER_EDGE)
            last = lines.find("}", begin, end)
            path_at = last + len(AFTER_UPSTREAM)
            if last < 0 or lines[brace:begin] != AFTER_EDGE or lines[last:path_at] != AFTER_UPSTREAM:
                return False
            upstream = lines[begin:last]
        path_end = _closing(lines, path_at, end, chunk.plain)
        query_at = path_end + len(AFTER_PATH)
        if path_end < 0 or lines[path_end:query_at] != AFTER_PATH or not _ends_well(chunk, query_at, end):
            return False
        path = _unescaped(lines[path_at:path_end], chunk.plain)
        if path is None:
            return False
        chunk.numbers.append(lines[at:stop])
        chunk.facts.append(facts)
        chunk.upstreams.append(upstream)
        chunk.targets.append(self._tally.target(path))
        chunk.queries.append(query_at)
        return True

    def _facts(self, edge: str) -> Facts | None:
        """The facts of the ``edge`` part of a line; None where it makes no sense, as a torn line's."""
        found = self._edges.get(edge)
        if found is None:
            try:
                found = nginx.facts_of(_object(edge))
            except Exception:
                return None
            if len(edge) <= MAX_KEPT:
                self._edges[edge] = found
        return found

    def _take_each(self, lines: list[str]) -> None:
        fallen = 0
        for line in lines:
            if line.startswith(HEAD) and self._take_fast(line + "\n"):
                continue
            if not line or line.isspace():
                continue
            fallen += 1
            try:
                record = self._parser.parse(line.encode("utf-8", "replace"))
            except Exception:
                self._tally.refuse("parse_error")
            else:
                self._tally.count(record)
        if fallen:
            self._tally.fall_back(fallen)

    def _count(self, chunk: Chunk, values: list[Any]) -> None:
        """The loop that every line goes through; it does nothing but look up and add."""
        tally = self._tally
        hands_over, late_before = tally.hands_over, tally.times.note_all(values[::5])
        for place, facts in enumerate(chunk.facts):
            target = chunk.targets[place]
            seconds: float = values[5 * place + 1]
            size: int = values[5 * place + 2]
            row = tally.add(target, facts, size, values[5 * place + 3], seconds)
            if seconds >= SLOW_FLOOR_SECONDS:
                tally.check_slow(row, seconds, size, chunk.texts(place)[0])
            if chunk.upstreams[place]:
                self._count_upstream(row, chunk.upstreams[place])
            time: float = values[5 * place]
            if hands_over and time >= late_before and tally.is_wanted(target, facts):
                cmcd, address, agent, signed_id = chunk.texts(place)
                tally.hand_over(target.target, facts, time, size, seconds, address, agent, signed_id, cmcd)

    def _count_upstream(self, row: DeliveryRow, upstream: str) -> None:
        try:
            times = _object(upstream)
        except SourceFormatError:
            return
        waited = nginx.first_byte(text(times.get("upstream_header_time")))
        received = int(sum(numbers(text(times.get("upstream_bytes_received")))))
        self._tally.add_origin(row, waited, numbers(text(times.get("upstream_response_time"))), received)


def _ends_well(chunk: Chunk, at: int, end: int) -> bool:
    """Whether the texts from the query on are laid out as they should be."""
    lines, plain = chunk.lines, chunk.plain
    for separator in AFTER_TEXTS:
        stop = _closing(lines, at, end, plain)
        begin = stop + len(separator)
        if stop < 0 or lines[stop:begin] != separator:
            return False
        if not plain and _unescaped(lines[at:stop], plain) is None:
            return False
        at = begin
    return True


def _closing(lines: str, at: int, end: int, plain: bool) -> int:
    """Where a text ends: at the first quote that is not escaped; -1 where there is none."""
    stop = lines.find('"', at, end)
    if plain or stop <= at or lines[stop - 1] != "\\":
        return stop
    found = ESCAPED.match(lines, at, end)  # in one go, however many quotes are escaped
    return -1 if found is None else found.end()


def _unescaped(inner: str, plain: bool) -> str | None:
    """A text with what JSON escapes undone; None where it is no JSON text."""
    if plain or "\\" not in inner:
        return inner
    try:
        return str(orjson.loads(f'"{inner}"'))
    except orjson.JSONDecodeError:
        return None


def _object(inner: str) -> dict[str, object]:
    try:
        found: dict[str, object] = orjson.loads("{" + inner + "}")
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"no JSON object: {error}") from error
    return found


def _values(lines: list[str]) -> list[Any] | None:
    """The four numbers of each line and ``NO_NUMBER`` after them; None where one has something else in their place."""
    joined = "".join([f"{one},{NO_NUMBER}," for one in lines]).encode()
    if joined.translate(None, NUMERIC) != b"-" * len(lines):
        return None
    try:
        values: list[Any] = orjson.loads(b"[" + joined[:-1] + b"]")
    except orjson.JSONDecodeError:
        return None
    if not lines or len(values) != 5 * len(lines) or values[4::5].count(NO_NUMBER) != len(lines):
        return None
    for place in range(0, len(values), 5):
        time: float = values[place]
        seconds: float = values[place + 1]
        if type(values[place + 2]) is not int or type(values[place + 3]) is not int:
            return None
        size: int = values[place + 2]
        request_size: int = values[place + 3]
        if time >= MAX_NUMBER or seconds >= MAX_NUMBER or size >= MAX_NUMBER or request_size >= MAX_NUMBER:
            return None
    return values
