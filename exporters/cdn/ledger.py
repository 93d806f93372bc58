"""The ledger: what has been counted, how far each source has been read, and the one step that stores and shows both."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from operator import itemgetter
from typing import Any

from exporters.cdn.checkpoint import Checkpoint, OutboxBatch
from exporters.cdn.guards import Guards
from exporters.cdn.paths import PathMapper
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import Clock, SourceIdentity
from exporters.handoff import Batch, write_batch
from exporters.loop import Loop

log = logging.getLogger(__name__)
MAX_HANDED, MAX_HANDED_CHARACTERS = 10_000, 8 << 20
BATCH_RECORDS = 1_000
BATCH_BYTES = 900_000
"""below the body limit of the session engine's server"""
RETENTION_CHECK_SECONDS = 30.0


class Ledger:
    """Holds the tallies of all sources. ``lock`` guards every count and move; ``commit`` stores, then shows."""

    def __init__(
        self,
        tables: DeliveryTables,
        checkpoint: Checkpoint,
        guards: Guards,
        *,
        name: str = "cdn",
        stream_retention_seconds: float = 3_600.0,
        outbox_limit_bytes: int = 256 << 20,
        now: Clock = time.time,
    ) -> None:
        self.lock = threading.RLock()
        self.tables = tables
        self.checkpoint = checkpoint
        self.on_batch = threading.Event()
        self._guards = guards
        self._name = name
        self._stream_retention_seconds = stream_retention_seconds
        self._outbox_limit_bytes = outbox_limit_bytes
        self._now = now
        self._tallies: list[SourceTally] = []
        self._positions: dict[str, Any] = {}
        self._deliveries: list[bytes] = []
        self._sequences: dict[str, int] = {}
        self._retention_checked = guards.monotonic()

    def restore(self) -> None:
        """Open the checkpoint and take its counters back; raises ConfigError when it cannot be used."""
        self.checkpoint.open()
        rows = self.checkpoint.series()
        self.tables.restore(rows)
        for family, labels, _ in rows:
            for name, value in zip(self.tables.label_names(family), labels, strict=False):
                self._guards.restore(name, value)

    def open(self, identity: SourceIdentity, mapper: PathMapper, hands_over: bool) -> SourceTally:
        """A tally for one source, counted into this ledger."""
        tally = SourceTally(identity, self.tables, self._guards, mapper, hands_over, self._now)
        self._tallies.append(tally)
        return tally

    def move(self, source: str, position: Any) -> None:
        """Note how far a source has been counted; in the same hold of ``lock`` as the counting."""
        self._positions[source] = position

    def position(self, source: str) -> Any:
        """How far a source has been counted, stored or not yet; None when it never was."""
        with self.lock:
            return self._positions.get(source) or self.checkpoint.position(source)

    def note_delivery(self, digest: bytes) -> None:
        """Note that a pushed body has been counted; in the same hold of ``lock`` as the counting."""
        self._deliveries.append(digest)

    def has_delivery(self, digest: bytes) -> bool:
        """Whether a pushed body has been counted already."""
        return digest in self._deliveries or self.checkpoint.has_delivery(digest)

    def is_full(self) -> bool:
        """Whether so many records wait to be stored that a commit should not be put off."""
        return (
            sum(len(tally.handed) for tally in self._tallies) >= MAX_HANDED
            or sum(tally.handed_characters for tally in self._tallies) >= MAX_HANDED_CHARACTERS
        )

    def make_room(self) -> bool:
        """Store when it should not be put off; false while that fails, so that what waits does not grow further."""
        try:
            if self.is_full():
                self.commit()
        except sqlite3.Error:
            return False
        return True

    def commit(self) -> None:
        """Store all that has been counted, then show it. What cannot be stored stays counted for the next try."""
        with self.lock:
            for tally in self._tallies:
                tally.fold()
            batches = [batch for tally in self._tallies for batch in self._batches(tally)]
            self.checkpoint.store(self.tables.changed(), self._positions, batches, self._deliveries)
            for batch in batches:
                self._sequences[batch.source] = batch.sequence
            for tally in self._tallies:
                tally.forget_handed()
            self._positions.clear()
            self._deliveries.clear()
            self.tables.publish()
            self._bound_outbox()
            self._remove_ended_streams()
        if batches:
            self.on_batch.set()

    def _batches(self, tally: SourceTally) -> list[OutboxBatch]:
        source = f"{self._name}/{tally.identity.name}"
        if not tally.handed:
            return []
        last = self._sequences.get(source) or self.checkpoint.last_sequence(source)
        handed = sorted(tally.handed, key=itemgetter(0))  # lines of the slow lane come before those of the fast one
        parts = [handed[start : start + BATCH_RECORDS] for start in range(0, len(handed), BATCH_RECORDS)]
        batches: list[OutboxBatch] = []
        while parts:
            part = parts.pop(0)
            body = write_batch(Batch(source, last + 1, part))
            if len(body) > BATCH_BYTES and len(part) > 1:
                parts[:0] = [part[: len(part) // 2], part[len(part) // 2 :]]
                continue
            last += 1
            batches.append(OutboxBatch(source, last, len(part), body))
        return batches

    def settle(self, batch: OutboxBatch, result: str) -> None:
        """Forget a batch and count what became of its records: taken, refused or dropped."""
        self.checkpoint.drop_batch(batch, (self.tables.handoff.public.family.name, (result,)))
        with self.lock:
            self.tables.handoff.add(batch.records, result)

    def _bound_outbox(self) -> None:
        records, size = self.checkpoint.waiting()
        while size > self._outbox_limit_bytes and (batch := self.checkpoint.next_batch()) is not None:
            self.settle(batch, "dropped")
            records, size = records - batch.records, size - len(batch.body)
        self.tables.handoff_lag.set(records)

    def _remove_ended_streams(self) -> None:
        now = self._guards.monotonic()
        if now - self._retention_checked < RETENTION_CHECK_SECONDS:
            return
        self._retention_checked = now
        for stream, seen in list(self._guards.last_seen.items()):
            if now - seen > self._stream_retention_seconds:
                self.checkpoint.remove_series(self.tables.remove_stream(stream))
                self._guards.streams.forget(stream)
                del self._guards.last_seen[stream]
                for tally in self._tallies:
                    tally.forget()


class Committer(Loop):
    """A worker that commits the ledger every so often, and no more than a tenth of the time."""

    def __init__(self, ledger: Ledger, interval_seconds: float = 0.5) -> None:
        super().__init__("commit", interval_seconds)
        self._ledger = ledger
        self._interval_seconds = interval_seconds

    def start(self) -> None:
        """Take the checkpoint back, then commit now and then; to be started before any source."""
        self._ledger.restore()
        super().start()

    def stop(self) -> None:
        """Stop, and commit what the sources have counted last."""
        super().stop()
        self._commit()
        self._ledger.checkpoint.close()

    def take_turn(self) -> float:
        begun = time.monotonic()
        self._commit()
        return max(self._interval_seconds, 9 * (time.monotonic() - begun))

    def _commit(self) -> None:
        try:
            self._ledger.commit()
        except Exception:
            log.exception("the checkpoint could not be stored; what was counted waits for the next try")
