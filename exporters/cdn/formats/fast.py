"""The fast lane for nginx lines of our own log format: each line is taken apart by what stands between its fields.

Texts are used as they are, numbers are read for a whole chunk at once, and what is alike in many lines is looked up. A
line that is laid out in any other way goes through the slow lane, which reads it as JSON, and is counted as a fallback.
"""

from __future__ import annotations

from typing import Any

import orjson

from exporters.cdn.formats import nginx
from exporters.cdn.formats.values import MAX_NUMBER, numbers, query_cmcd, text
from exporters.cdn.records import Facts
from exporters.cdn.rows import DeliveryRow
from exporters.cdn.tally import SLOW_FLOOR_SECONDS, SourceTally
from exporters.errors import SourceFormatError

HEAD = '{"' + " ".join(nginx.REQUEST_VARIABLES) + '":['
NO_UPSTREAM = ",".join(f'"{name}":""' for name in nginx.UPSTREAM_VARIABLES)
NO_CMCD = ",".join(f'"{name}":""' for name in nginx.CMCD_VARIABLES)
SEPARATORS = (
    *('],"edge":{', '},"upstream":{', '},"uri":"', '","args":"', '","viewer":{"remote_addr":"'),
    *('","http_user_agent":"', '","viewer_id":"', f'",{NO_CMCD}}},'),
)
"""what stands after the numbers, edge, upstream, path, query, address, user agent and viewer id"""
TAIL = '"}'
NUMERIC = b"0123456789.,[]"
MAX_EDGES = 4_096
Parts = tuple[str, str, str, str, str, str, str, str]
Numbers = tuple[float, float, int, int]


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
            for line in lines.split("\n"):
                if line and not line.isspace() and not self._take_fast(line + "\n"):
                    self._fall_back(line)
        self._tally.bound()

    def _take_fast(self, lines: str) -> bool:
        """Count lines that are all laid out as they should be; else nothing is counted, and false."""
        parts: list[Parts] = []
        start, size = 0, len(lines)
        while start < size:
            end = lines.find("\n", start)
            found = _parts(lines, start, end) if end >= 0 else None
            if found is None or not self._knows(found[1]):
                return False
            parts.append(found)
            start = end + 1
        read = _numbers(parts)
        if read is None:
            return False
        self._count(parts, read)
        return True

    def _knows(self, edge: str) -> bool:
        """Whether the ``edge`` part of a line makes sense; a torn line's does not."""
        if edge not in self._edges:
            try:
                self._edges[edge] = nginx.facts_of(_object(edge))
            except SourceFormatError:
                return False
        return True

    def _fall_back(self, line: str) -> None:
        self._tally.fall_back()
        try:
            record = self._parser.parse(line.encode("utf-8", "replace"))
        except SourceFormatError:
            self._tally.refuse("parse_error")
        else:
            self._tally.count(record)

    def _count(self, parts: list[Parts], read: list[Numbers]) -> None:
        """The loop that every line goes through; it does nothing but look up and add."""
        tally = self._tally
        late = tally.times.note_all([one[0] for one in read])
        hands_over = tally.hands_over and not late
        for one, (time, seconds, size, request_size) in zip(parts, read, strict=True):
            target, facts = tally.target(one[3]), self._edges[one[1]]
            row = tally.add(target, facts, size, request_size, seconds)
            if seconds >= SLOW_FLOOR_SECONDS:
                tally.check_slow(row, seconds, size, query_cmcd(one[4]))
            if one[2] != NO_UPSTREAM:
                self._count_upstream(row, one[2])
            if hands_over and tally.is_wanted(target, facts):
                texts = (one[5], one[6], one[7], query_cmcd(one[4]))
                tally.hand_over(target.target, facts, time, size, seconds, *texts)

    def _count_upstream(self, row: DeliveryRow, upstream: str) -> None:
        try:
            times = _object(upstream)
        except SourceFormatError:
            return
        waited = nginx.first_byte(text(times.get("upstream_header_time")))
        received = int(sum(numbers(text(times.get("upstream_bytes_received")))))
        self._tally.add_origin(row, waited, numbers(text(times.get("upstream_response_time"))), received)


def _parts(lines: str, start: int, end: int) -> Parts | None:
    """What stands between the separators of the line from ``start`` to ``end``; None where one is missing."""
    at = start + len(HEAD)
    if lines[start:at] != HEAD or lines[end - len(TAIL) : end] != TAIL:
        return None
    found: list[str] = []
    for separator in SEPARATORS:
        stop = lines.find(separator, at, end)
        if stop < 0:
            return None
        found.append(lines[at:stop])
        at = stop + len(separator)
    for place, part in enumerate(found):
        if place >= 3:  # texts
            if '"' in part:
                return None
            if "\\" in part:
                unescaped = _unescaped(part)
                if unescaped is None:
                    return None
                found[place] = unescaped
    return (found[0], found[1], found[2], found[3], found[4], found[5], found[6], found[7])


def _unescaped(inner: str) -> str | None:
    """A text with what JSON escapes undone; None where it is no JSON text."""
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


def _numbers(parts: list[Parts]) -> list[Numbers] | None:
    """The four numbers of each line; None where one has something else in their place."""
    joined = "],[".join([one[0] for one in parts]).encode()
    if joined.translate(None, NUMERIC):
        return None
    try:
        rows: list[list[Any]] = orjson.loads(b"[[" + joined + b"]]")
    except orjson.JSONDecodeError:
        return None
    if len(rows) != len(parts):
        return None
    read: list[Numbers] = []
    for row in rows:
        if len(row) != 4 or type(row[2]) is not int or type(row[3]) is not int or max(row) >= MAX_NUMBER:
            return None
        read.append((row[0], row[1], row[2], row[3]))
    return read
