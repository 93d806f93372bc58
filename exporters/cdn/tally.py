"""Counting of log records: rows of requests with the same target and facts, folded into the tables now and then."""

from __future__ import annotations

import re
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporters import metrics
from exporters.cdn.held import HeldCell, HeldHistogram
from exporters.cdn.paths import PathMapper, Target
from exporters.cdn.records import Facts, LogRecord
from exporters.cdn.tables import DeliveryTables
from exporters.handoff import DeliveryRecord
from exporters.labels import OTHER, BoundedLabel

MAX_ROWS = 16_384
MAX_PATHS = 4_096
MAX_AHEAD_SECONDS = 300.0
SERVED = frozenset({"2xx", "3xx"})
SLOW_FLOOR_SECONDS = 0.25
"""Answers shorter than this are never slow: parts and segments play longer."""
MEDIA_KINDS = frozenset({"segment", "part"})
HANDED_KINDS = frozenset({"multivariant", "media", "segment", "part", "init"})
OBJECT_DURATION = re.compile(r"(?:^|,)d=(\d{1,9})(?:,|$)")
OBJECT_BITRATE = re.compile(r"(?:^|,)br=\(?(\d{1,9})")
Clock = Callable[[], float]


class Guards:
    """The bounds of the labels that logs can choose: streams, points of presence, countries."""

    def __init__(
        self,
        tables: DeliveryTables,
        max_streams: int = 2_000,
        max_pops: int = 400,
        monotonic: Clock = time.monotonic,
    ) -> None:
        dropped = tables.dropped_series
        self.streams = BoundedLabel(max_streams, lambda: dropped.add(1, "streams"))
        self.pops = BoundedLabel(max_pops, lambda: dropped.add(1, "pops"))
        self.countries = BoundedLabel(250, lambda: dropped.add(1, "countries"))
        self.monotonic = monotonic
        self.last_seen: dict[str, float] = {}
        """stream → when a viewer was last served, by the monotonic clock"""

    def stream(self, target: Target, facts: Facts) -> str:
        """The label of a stream. Only a served request can make a new one, so that made-up paths cannot."""
        served = facts.code_class in SERVED
        if not target.stream or not (served or target.stream in self.streams):
            return OTHER
        label = self.streams.admit(target.stream)
        if served and label is not OTHER:
            self.last_seen[label] = self.monotonic()
        return label


@dataclass(frozen=True, slots=True)
class SourceIdentity:
    """A log source: whose log, its own name, the share of requests that it logs, and when a record counts as late."""

    cdn: str
    name: str
    sampling_ratio: float = 1.0
    late_seconds: float = 3_600.0


class Row:
    """Requests counted since the last fold that have the same target and facts."""

    __slots__ = (
        *("target", "facts", "count", "bytes", "request_bytes", "slow", "duration", "durations", "seconds"),
        *("stream", "counted", "sized", "origin_bytes", "first_byte", "first_byte_count", "first_byte_seconds"),
    )

    def __init__(self, target: Target, facts: Facts, duration: HeldHistogram, first_byte: HeldHistogram) -> None:
        self.target = target
        self.facts = facts
        self.duration = duration
        self.durations = duration.counts
        self.first_byte = first_byte
        self.stream = ""
        self.counted: tuple[HeldCell, ...] = ()
        self.sized: tuple[HeldCell, ...] = ()
        self.clear()

    def clear(self) -> None:
        self.count = self.bytes = self.request_bytes = self.slow = self.origin_bytes = self.first_byte_count = 0
        self.seconds = self.first_byte_seconds = 0.0


class SourceTally:
    """Counts the records of one source; sampled sources count each record as often as it stands for."""

    def __init__(
        self,
        identity: SourceIdentity,
        tables: DeliveryTables,
        guards: Guards,
        mapper: PathMapper,
        hands_over: bool = False,
        now: Clock = time.time,
    ) -> None:
        self.identity = identity
        self.tables = tables
        self.hands_over = hands_over
        self.handed: list[DeliveryRecord] = []
        self.now = now
        weight = 1.0 / identity.sampling_ratio
        self.weight: float = round(weight) if abs(weight - round(weight)) < 1e-9 else weight
        self._guards = guards
        self._mapper = mapper
        self._rows: dict[Target, dict[Facts, Row]] = {}
        self._row_count = 0
        self._targets: dict[str, Target] = {}
        self.generation = 0
        """grows whenever rows have been dropped, for those that keep references to rows"""
        self._origin = tables.origin_duration.cell(identity.cdn)
        self._delay = tables.delay.cell(identity.cdn)
        self.watermark = tables.watermark.cell(identity.cdn, identity.name)
        self._ok = tables.records.cell(identity.cdn, identity.name, "ok")
        self._late = tables.records.cell(identity.cdn, identity.name, "late")
        tables.records.cell(identity.cdn, identity.name, "parse_error")
        tables.sampling.set(identity.sampling_ratio, identity.cdn, identity.name)

    def map(self, path: str) -> Target:
        return self._mapper.map(path)

    def target(self, path: str) -> Target:
        """The path's target, kept for the paths asked for most lately."""
        found = self._targets.get(path)
        if found is None:
            if len(self._targets) >= MAX_PATHS:
                self._targets.clear()
            found = self._targets[path] = self._mapper.map(path)
        return found

    def row(self, target: Target, facts: Facts) -> Row:
        """The row of these; it stays valid until ``fold``."""
        rows = self._rows.get(target)
        if rows is None:
            rows = self._rows[target] = {}
        found = rows.get(facts)
        if found is None:
            labels = (self.identity.cdn, target.kind, facts.cache)
            duration, first_byte = self.tables.duration.cell(*labels), self.tables.first_byte.cell(*labels)
            found = rows[facts] = Row(target, facts, duration, first_byte)
            self._row_count += 1
        return found

    def count(self, record: LogRecord) -> None:
        """Count one record."""
        target = self.target(record.path)
        row = self.row(target, record.facts)
        row.count += 1
        row.bytes += record.bytes
        row.request_bytes += max(0, record.request_bytes)
        row.origin_bytes += record.origin_bytes
        if record.seconds >= 0:
            row.seconds += record.seconds
            row.durations[bisect_left(metrics.FETCH_SECONDS, record.seconds)] += self.weight
            if record.seconds >= SLOW_FLOOR_SECONDS:
                self.check_slow(row, record.seconds, record.bytes, record.cmcd)
        if record.first_byte_seconds >= 0:
            self.first_byte(row, record.first_byte_seconds)
        for seconds in record.origin_seconds:
            self.origin(seconds)
        late = self.note_time(record.time)
        if self.hands_over and not late and self.speaks_of_viewer(target, record.facts):
            self._hand_over(record, target)

    def first_byte(self, row: Row, seconds: float) -> None:
        """Count a time to first byte."""
        row.first_byte_count += 1
        row.first_byte_seconds += seconds
        row.first_byte.counts[bisect_left(metrics.FETCH_SECONDS, seconds)] += self.weight

    def origin(self, seconds: float) -> None:
        """Count how long the origin took to answer one try."""
        self._origin.counts[bisect_left(metrics.FETCH_SECONDS, seconds)] += self.weight
        self._origin.sum += seconds * self.weight

    def check_slow(self, row: Row, seconds: float, size: int, cmcd: str) -> None:
        """Count a segment that took longer than it plays, or came slower than its bit rate, by the player's CMCD."""
        if row.target.kind not in MEDIA_KINDS or row.facts.code_class != "2xx":
            return
        if found := OBJECT_DURATION.search(cmcd):
            row.slow += seconds * 1000 > int(found[1])
        elif found := OBJECT_BITRATE.search(cmcd):
            row.slow += size * 8 < int(found[1]) * 1000 * seconds

    def note_time(self, time_of_record: float, count: int = 1) -> bool:
        """Count records as read, with their delay; true when they are late."""
        now = self.now()
        delay = max(0.0, now - time_of_record)
        late = delay > self.identity.late_seconds
        (self._late if late else self._ok).value += count
        self._delay.counts[bisect_left(metrics.DELAY_SECONDS, delay)] += count
        self._delay.sum += delay * count
        if (
            self.watermark.value < time_of_record < now + MAX_AHEAD_SECONDS
        ):  # a clock ahead must not hide a log that stands still
            self.watermark.value = time_of_record
        return late

    def note_times(self, times: Sequence[float]) -> bool:
        """Count records as read, by their times; true when any is late.

        Records within a second of each other count with one delay, the middle one's.
        """
        oldest, newest = min(times), max(times)
        if newest - oldest > 1.0:
            return any([self.note_time(one) for one in times])
        late = self.note_time((oldest + newest) / 2, len(times))
        if self.watermark.value < newest < self.now() + MAX_AHEAD_SECONDS:
            self.watermark.value = newest
        return late

    def refuse(self, result: str, count: int = 1) -> None:
        """Count records that were not counted as requests: parse_error, filtered, duplicate, oversized."""
        self.tables.records.add(count, self.identity.cdn, self.identity.name, result)

    def speaks_of_viewer(self, target: Target, facts: Facts) -> bool:
        """Whether the session engine wants such a record: one of a stream that has been served at least once."""
        if not target.stream or target.kind not in HANDED_KINDS:
            return False
        return facts.code_class in SERVED or target.stream in self._guards.streams

    def _hand_over(self, record: LogRecord, target: Target) -> None:
        """Keep a record for the session engine."""
        code = record.facts.code
        self.handed.append(
            DeliveryRecord(
                *(record.time, self.identity.cdn, target.stream, target.kind, target.variant),
                *(int(code) if code.isdigit() else 0, record.bytes, record.seconds, record.address),
                *(record.user_agent[:512], record.facts.country.replace("ZZ", ""), record.signed_id[:128]),
                record.cmcd[:4096],
            )
        )

    def fold(self) -> None:
        """Add what the rows have counted to the tables."""
        rows = [row for by_facts in self._rows.values() for row in by_facts.values() if row.count]
        rows.sort(key=lambda row: row.facts.code_class)  # served requests first: they make a stream known
        for row in rows:
            self._fold(row, self._guards.stream(row.target, row.facts))
        if self._row_count >= MAX_ROWS:
            self.forget()

    def bound(self) -> None:
        """Fold early when there are so many rows that memory would grow."""
        if self._row_count >= MAX_ROWS:
            self.fold()

    def forget(self) -> None:
        """Drop kept rows and paths; nothing may be left to fold."""
        self._rows.clear()
        self._targets.clear()
        self._row_count = 0
        self.generation += 1

    def _fold(self, row: Row, stream: str) -> None:
        if row.stream != stream:
            row.stream, row.counted, row.sized = (
                stream,
                self._counted_cells(row, stream),
                self._sized_cells(row, stream),
            )
        tables, cdn, weight = self.tables, self.identity.cdn, self.weight
        kind, cache = row.target.kind, row.facts.cache
        count, size = row.count * weight, row.bytes * weight
        for cell in row.counted:
            cell.value += count
        for cell in row.sized:
            cell.value += size
        tables.request_bytes.add(row.request_bytes * weight, cdn, stream, kind, cache)
        if row.origin_bytes:
            tables.origin_bytes.add(row.origin_bytes * weight, cdn)
        if row.slow:
            tables.slow.add(row.slow * weight, cdn, kind)
        if row.first_byte_count:
            tables.stream_first_byte_seconds.add(row.first_byte_seconds * weight, stream)
            tables.stream_first_byte_requests.add(row.first_byte_count * weight, stream)
            row.first_byte.sum += row.first_byte_seconds * weight
        row.duration.sum += row.seconds * weight
        row.clear()

    def _counted_cells(self, row: Row, stream: str) -> tuple[HeldCell, ...]:
        """The series that each request of the row is counted in."""
        tables, cdn, kind, facts = self.tables, self.identity.cdn, row.target.kind, row.facts
        cells = [
            tables.requests.cell(cdn, stream, kind, facts.code_class, facts.cache),
            tables.by_code.cell(cdn, facts.code),
            tables.by_country.cell(cdn, self._guards.countries.admit(facts.country)),
            tables.by_protocol.cell(cdn, facts.protocol, facts.tls),
            *(tables.origin_requests.cell(cdn, origin_class) for origin_class in facts.origin),
        ]
        if facts.pop:
            cells.append(tables.by_pop.cell(cdn, self._guards.pops.admit(facts.pop), facts.code_class, facts.cache))
        if facts.code_class == "aborted":
            cells.append(tables.aborts.cell(cdn, stream, kind))
        if not row.target.stream:
            cells.append(tables.unmatched.cell(cdn))
        return tuple(cells)

    def _sized_cells(self, row: Row, stream: str) -> tuple[HeldCell, ...]:
        """The series that the bytes of the row's responses are counted in."""
        tables, cdn, facts = self.tables, self.identity.cdn, row.facts
        cells = [
            tables.response_bytes.cell(cdn, stream, row.target.kind, facts.cache),
            tables.bytes_by_country.cell(cdn, self._guards.countries.admit(facts.country)),
        ]
        if facts.pop:
            cells.append(tables.bytes_by_pop.cell(cdn, self._guards.pops.admit(facts.pop)))
        return tuple(cells)
