"""Compares the registry with what the metrics show: publishing makes a stream live, staying away ends it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bridge.database import DatabaseUnavailableError
from bridge.snapshot import Snapshot, SnapshotStore
from bridge.streams.memory import StreamMemory
from bridge.streams.observed import totals
from bridge.streams.record import StreamRecord
from bridge.streams.store import StreamStore
from exporters import metrics
from exporters.exposition import Samples
from exporters.loop import Loop
from prometheus import queries

log = logging.getLogger(__name__)
OVERLAP = timedelta(seconds=10)  # rows of transactions that were open at the last look
SWEEP_SECONDS = 30.0


class Reflector(Loop):
    """Keeps the registry's memory and states up to date, in a thread of its own.

    Several bridges may do so at once: every change is made only from the state that it needs.
    """

    def __init__(
        self,
        store: StreamStore,
        memory: StreamMemory,
        snapshots: SnapshotStore,
        *,
        away_seconds: float = 300.0,
        interval_seconds: float = 2.0,
        limit: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("registry")
        self._store = store
        self._memory = memory
        self._snapshots = snapshots
        self._away_seconds = away_seconds
        self._interval_seconds = interval_seconds
        self._limit = limit
        self._clock = clock
        self.ended = Samples(metrics.BRIDGE_STREAM_ENDED)
        self._looked = datetime.min.replace(tzinfo=UTC)
        self._swept = clock()
        self._reached = True

    def take_turn(self) -> float:
        try:
            self.turn()
            if not self._reached:
                log.info("the registry's database answers again")
            self._reached = True
        except DatabaseUnavailableError as error:
            if self._reached:
                log.warning("registry: %s", error)
            self._reached = False
        return self._interval_seconds

    def turn(self) -> None:
        """Compare once; raises DatabaseUnavailableError."""
        self._refresh()
        snapshot = self._snapshots.present
        if snapshot is None or self._snapshots.is_stale() or "rtmp" in snapshot.missing:
            return  # whoever cannot see must not end streams
        self._reflect(snapshot)

    def _refresh(self) -> None:
        changed = self._store.changed_since(self._looked, self._limit)
        self._memory.put(reversed(changed))
        if changed:
            self._looked = changed[0].updated_at - OVERLAP
        if self._clock() - self._swept >= SWEEP_SECONDS:
            self._swept = self._clock()
            self._memory.keep_only(self._store.ids())

    def _reflect(self, snapshot: Snapshot) -> None:
        publishing = [state.stream for state in snapshot.live()]
        if publishing:
            self._store.saw_publishing(publishing)
        for stream_id in publishing:
            record = self._memory.get(stream_id)
            if record is not None:
                self._went_live(record, snapshot)
        if self._away_seconds:
            for record in self._store.away(self._away_seconds):
                self._went_away(record, snapshot)
        self.ended.replace(((stream_id,), 1) for stream_id in snapshot.streams if self._was_stopped(stream_id))

    def _was_stopped(self, stream_id: str) -> bool:
        record = self._memory.get(stream_id)
        return record is not None and record.status == "ended" and record.ended_by == "caller"

    def _went_live(self, record: StreamRecord, snapshot: Snapshot) -> None:
        if record.status == "scheduled":
            started = snapshot.streams[record.id].value(queries.STREAM_FIRST_START)
            instant = datetime.fromtimestamp(snapshot.taken if started is None else started, UTC)
            moved = self._store.move(record.id, "start", {"actual_start": instant})
        elif record.status == "ended" and record.ended_by == "absence":
            moved = self._store.move(record.id, "resume", {"actual_end": None, "ended_by": None})
        else:
            return
        if moved is not None:
            log.info("stream %s is live", record.id)
            self._memory.put([moved])

    def _went_away(self, record: StreamRecord, snapshot: Snapshot) -> None:
        ended = record.last_published or record.actual_start
        fields = {"actual_end": ended, "ended_by": "absence", **totals(snapshot, record)}
        moved = self._store.move(record.id, "stop", fields)
        if moved is not None:
            log.info("stream %s has ended: nobody has published it for %.0f s", record.id, self._away_seconds)
            self._memory.put([moved])
