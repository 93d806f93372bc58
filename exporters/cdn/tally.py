"""Counting of log records: rows of requests that are alike, folded into the tables now and then."""

from __future__ import annotations

import re
import time

from exporters import metrics
from exporters.cdn.guards import Guards
from exporters.cdn.held import HeldCell
from exporters.cdn.paths import PathMapper, Target
from exporters.cdn.records import MAX_KEPT, SERVED, Facts, LogRecord
from exporters.cdn.rows import DeliveryRow, FactsRow, Spread, TargetRows
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.times import Clock, RecordTimes, SourceIdentity
from exporters.handoff import DeliveryRecord

MAX_ROWS = 16_384
MAX_PATHS = 2_048
SLOW_FLOOR_SECONDS = 0.25
"""Answers shorter than this are never slow: parts and segments play longer."""
MEDIA_KINDS = frozenset({"segment", "part"})
HANDED_KINDS = frozenset({"multivariant", "media", "segment", "part", "init"})
OBJECT_DURATION = re.compile(r"(?:^|,)d=(\d{1,9})(?:,|$)")
OBJECT_BITRATE = re.compile(r"(?:^|,)br=\(?(\d{1,9})")


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
        self.hands_over = hands_over
        self.handed: list[DeliveryRecord] = []
        self.handed_characters = 0
        """of their longest texts"""
        self.times = RecordTimes(identity, tables, now)
        self._tables = tables
        self._cdn: str = identity.cdn
        weight = 1.0 / identity.sampling_ratio
        self._weight = round(weight) if abs(weight - round(weight)) < 1e-9 else weight
        self._guards = guards
        self._mapper = mapper
        self._targets: dict[str, TargetRows] = {}
        self._by_target: dict[Target, TargetRows] = {}
        self._rows: dict[tuple[str, str], dict[str, DeliveryRow]] = {}
        """stream and kind → how requests were answered → row"""
        self._row_count = 0
        self._by_facts: dict[Facts, FactsRow] = {}
        self._spreads: dict[tuple[str, str], tuple[Spread, Spread]] = {}
        """kind and cache state → durations, times to first byte"""
        self._origin = Spread(metrics.FETCH_SECONDS)
        self._origin_held = tables.origin_duration.cell(identity.cdn)
        self._origin_bytes = 0
        tables.sampling.set(identity.sampling_ratio, identity.cdn, identity.name)

    def target(self, path: str) -> TargetRows:
        """The rows of a path's target, kept for the paths asked for most lately."""
        found = self._targets.get(path)
        if found is None:
            if len(self._targets) >= MAX_PATHS or len(self._by_target) >= MAX_PATHS:
                self._targets.clear()
                self._by_target.clear()
            target = self._mapper.map(path)
            found = self._by_target.get(target)
            if found is None:
                wanted = bool(target.stream) and target.kind in HANDED_KINDS
                rows = self._rows.setdefault((target.stream, target.kind), {})
                found = self._by_target[target] = TargetRows(target, wanted, rows)
            if len(path) <= MAX_KEPT:
                self._targets[path] = found
        return found

    def add(self, target: TargetRows, facts: Facts, size: int, request_size: int, seconds: float) -> DeliveryRow:
        """Count one request, ``seconds`` below 0 where not logged; gives its row."""
        row = target.rows.get(facts.answer)
        if row is None:
            row = target.rows[facts.answer] = self._row(target.target, facts)
        row.count += 1
        row.bytes += size
        row.request_bytes += request_size
        if seconds >= 0:
            row.duration.observe(seconds)
        by_facts = self._by_facts.get(facts)
        if by_facts is None:
            by_facts = self._by_facts[facts] = FactsRow(self._counted_by(facts), self._sized_by(facts))
        by_facts.count += 1
        by_facts.bytes += size
        return row

    def count(self, record: LogRecord) -> None:
        """Count one record."""
        target, facts, seconds = self.target(record.path), record.facts, record.seconds
        row = self.add(target, facts, record.bytes, max(0, record.request_bytes), seconds)
        if seconds >= SLOW_FLOOR_SECONDS:
            self.check_slow(row, seconds, record.bytes, record.cmcd)
        self.add_origin(row, record.first_byte_seconds, record.origin_seconds, record.origin_bytes)
        late = self.times.note(record.time)
        if self.hands_over and not late and self.is_wanted(target, facts):
            texts = (record.address, record.user_agent, record.signed_id, record.cmcd)
            self.hand_over(target.target, facts, record.time, record.bytes, seconds, *texts)

    def add_origin(self, row: DeliveryRow, first_byte_seconds: float, tries: tuple[float, ...], size: int) -> None:
        """Count the time to the first byte, below 0 where not logged, and what the edge asked the origin for."""
        if first_byte_seconds >= 0:
            row.first_byte_count += 1
            row.first_byte_seconds += first_byte_seconds
            row.first_byte.observe(first_byte_seconds)
        for seconds in tries:
            self._origin.observe(seconds)
        self._origin_bytes += size

    def check_slow(self, row: DeliveryRow, seconds: float, size: int, cmcd: str) -> None:
        """Count a segment that took longer than it plays, or came slower than its bit rate, by the player's CMCD."""
        if row.kind not in MEDIA_KINDS or row.code_class != "2xx":
            return
        if found := OBJECT_DURATION.search(cmcd):
            row.slow += int(seconds * 1000 > int(found[1]))
        elif found := OBJECT_BITRATE.search(cmcd):
            row.slow += int(size * 8 < int(found[1]) * 1000 * seconds)

    def refuse(self, result: str, count: int = 1) -> None:
        """Count records that were not counted as requests: parse_error, filtered, duplicate, oversized."""
        self._tables.records.add(count, self.identity.cdn, self.identity.name, result)

    def fall_back(self, count: int) -> None:
        """Count lines that missed the fast lane."""
        self._tables.fallback.add(count, self.identity.cdn, self.identity.name)

    def is_wanted(self, target: TargetRows, facts: Facts) -> bool:
        """Whether the session engine wants such a record: one of a stream that has been served at least once."""
        return target.wanted and (facts.code_class in SERVED or target.target.stream in self._guards.streams)

    def hand_over(
        self,
        target: Target,
        facts: Facts,
        time_of_record: float,
        size: int,
        seconds: float,
        address: str,
        user_agent: str,
        signed_id: str,
        cmcd: str,
    ) -> None:
        """Keep a record for the session engine."""
        record = (
            *(time_of_record, self._cdn, target.stream, target.kind, target.variant, facts.status(), size, seconds),
            *(address[:64], user_agent[:512], facts.known_country(), signed_id[:128], cmcd[:4096]),
        )
        self.handed.append(DeliveryRecord._make(record))
        self.handed_characters += len(record[9]) + len(record[12])

    def forget_handed(self) -> None:
        """The records for the session engine have been stored."""
        self.handed.clear()
        self.handed_characters = 0

    def fold(self) -> None:
        """Add what the rows have counted to the tables."""
        rows = [row for answered in self._rows.values() for row in answered.values() if row.count]
        rows.sort(key=lambda row: row.code_class)  # served requests first: they make a stream known
        for row in rows:
            self._fold(row, self._guards.stream(row.stream, row.code_class))
        for by_facts in self._by_facts.values():
            if by_facts.count:
                by_facts.fold(self._weight)
        self._fold_spreads()
        self.times.fold()
        if self._is_full():
            self.forget()

    def bound(self) -> None:
        """Fold early when there are so many rows that memory would grow."""
        if self._is_full():
            self.fold()

    def forget(self) -> None:
        """Drop kept rows and paths; nothing may be left to fold."""
        self._rows.clear()
        self._row_count = 0
        self._by_facts.clear()
        self._targets.clear()
        self._by_target.clear()

    def _is_full(self) -> bool:
        # A stream whose lines cannot be counted has no row.
        return self._row_count + len(self._by_facts) >= MAX_ROWS or len(self._rows) >= MAX_ROWS

    def _row(self, target: Target, facts: Facts) -> DeliveryRow:
        spreads = self._spreads.get((target.kind, facts.cache))
        if spreads is None:
            spreads = (Spread(metrics.FETCH_SECONDS), Spread(metrics.FETCH_SECONDS))
            self._spreads[target.kind, facts.cache] = spreads
        self._row_count += 1
        return DeliveryRow(target, facts, *spreads)

    def _fold(self, row: DeliveryRow, stream: str) -> None:
        tables, cdn, weight = self._tables, self._cdn, self._weight
        if row.label != stream:
            row.label = stream
            row.requests = tables.requests.cell(cdn, stream, row.kind, row.code_class, row.cache)
            row.sent = tables.response_bytes.cell(cdn, stream, row.kind, row.cache)
            row.received = tables.request_bytes.cell(cdn, stream, row.kind, row.cache)
            row.also = (
                *([tables.aborts.cell(cdn, stream, row.kind)] if row.code_class == "aborted" else []),
                *([] if row.stream else [tables.unmatched.cell(cdn)]),
            )
        row.requests.value += row.count * weight
        row.sent.value += row.bytes * weight
        row.received.value += row.request_bytes * weight
        for cell in row.also:
            cell.value += row.count * weight
        if row.slow:
            tables.slow.add(row.slow * weight, cdn, row.kind)
        if row.first_byte_count:
            tables.stream_first_byte_seconds.add(row.first_byte_seconds * weight, stream)
            tables.stream_first_byte_requests.add(row.first_byte_count * weight, stream)
        row.clear()

    def _fold_spreads(self) -> None:
        for (kind, cache), (duration, first_byte) in self._spreads.items():
            duration.fold(self._tables.duration.cell(self._cdn, kind, cache), self._weight)
            first_byte.fold(self._tables.first_byte.cell(self._cdn, kind, cache), self._weight)
        self._origin.fold(self._origin_held, self._weight)
        if self._origin_bytes:
            self._tables.origin_bytes.add(self._origin_bytes * self._weight, self._cdn)
            self._origin_bytes = 0

    def _counted_by(self, facts: Facts) -> tuple[HeldCell, ...]:
        """The series that each request with these facts is counted in."""
        tables, cdn = self._tables, self._cdn
        cells = [
            tables.by_code.cell(cdn, facts.code),
            tables.by_country.cell(cdn, self._guards.countries.admit(facts.country)),
            tables.by_protocol.cell(cdn, facts.protocol, facts.tls),
            *(tables.origin_requests.cell(cdn, origin_class) for origin_class in facts.origin),
        ]
        if facts.pop:
            cells.append(tables.by_pop.cell(cdn, self._guards.pops.admit(facts.pop), facts.code_class, facts.cache))
        return tuple(cells)

    def _sized_by(self, facts: Facts) -> tuple[HeldCell, ...]:
        """The series that the bytes of responses with these facts are counted in."""
        tables, cdn = self._tables, self._cdn
        cells = [tables.bytes_by_country.cell(cdn, self._guards.countries.admit(facts.country))]
        if facts.pop:
            cells.append(tables.bytes_by_pop.cell(cdn, self._guards.pops.admit(facts.pop)))
        return tuple(cells)
