"""One shard: the engine and what belongs to it, changed by one input after the other under one lock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from exporters.viewers.broadcast import Broadcast
from exporters.viewers.clock_watch import SMALLEST_SECONDS
from exporters.viewers.devices import device_of
from exporters.viewers.endings import Ending
from exporters.viewers.engagement import Engagements
from exporters.viewers.engine import SessionEngine
from exporters.viewers.inputs import (
    AppEvent,
    ClockSet,
    HandoffTaken,
    Input,
    Resumed,
    StreamLive,
    StreamOver,
    Tick,
)
from exporters.viewers.lifecycle import Lifecycle
from exporters.viewers.mishaps import Mishaps
from exporters.viewers.records import Records
from exporters.viewers.reports import Report
from exporters.viewers.session import Session
from exporters.viewers.spool import SpoolWriter
from exporters.viewers.tables import ViewerTables

log = logging.getLogger(__name__)
SLICE_SESSIONS = 100
"""Sessions ended while the lock is held once: some thousandths of a second."""
YIELD_SECONDS = 0.001
"""Pause between slices: a lock that is taken again at once would not let waiting reports in."""


class Shard:
    """Applies inputs; the same inputs in the same order give the same state and the same spool records."""

    def __init__(
        self,
        spool: SpoolWriter,
        records: Records,
        *,
        clock: Callable[[], float] = time.time,
        clock_moved: Callable[[], float] = lambda: 0.0,
        view_seconds: float = 3.0,
        max_sessions: int = 500_000,
        max_streams: int = 2000,
        currency: str = "USD",
        currency_rates: Mapping[str, float] | None = None,
    ) -> None:
        self.lock = threading.Lock()
        self.spool = spool
        self.tables = ViewerTables()
        self.now = clock
        self._clock_moved = clock_moved
        self.saved_at = 0.0
        self._records = records
        self._mishaps = Mishaps("an input could not be applied")
        self.handoffs: dict[str, int] = {}
        self.journal: Callable[[Sequence[Input]], None] = lambda inputs: None
        """Called with inputs before they are applied."""
        self.engine = SessionEngine(
            self.tables,
            self._on_end,
            device_of,
            view_seconds=view_seconds,
            max_sessions=max_sessions,
            max_streams=max_streams,
        )
        self.engagements = Engagements(self.engine, self._on_event, currency, currency_rates)
        self.lifecycle = Lifecycle(self.engine, self._on_close)

    def take(self, inputs: Sequence[Input]) -> list[str]:
        """Apply inputs in order; gives each one's result."""
        with self.lock:
            inputs = self._follow_clock(inputs)
            self.journal(inputs)
            return [self.apply(one) for one in inputs]

    def _follow_clock(self, inputs: Sequence[Input]) -> Sequence[Input]:
        """The inputs, dated anew when our clock was set since they came; the setting itself is taken at once."""
        by = self._clock_moved()
        if not by:
            return inputs
        now = self.now()
        log.warning("our clock was set by %+.1f s", by)
        change = ClockSet(now, by)
        self.journal([change])
        self.apply(change)
        return [_dated(one, now) for one in inputs]

    def take_batch(self, inputs: Sequence[Input], source: str, sequence: int) -> int:
        """Apply a hand-off batch unless it was taken meanwhile; gives how many reports it had."""
        with self.lock:
            if sequence <= self.handoffs.get(source, -1):
                return 0
            inputs = self._follow_clock(inputs)
            self.journal(inputs)
            for one in inputs:
                self.apply(one)
            return len(inputs) - 1

    def apply(self, one: Input) -> str:
        """Apply one input; the caller holds the lock.

        What fails is counted and changes nothing else: it is in the journal, and must not fail each start from now on.
        """
        try:
            return self._apply(one)
        except Exception as error:
            self._mishaps.note(error)
            self.tables.rejected.add(1, "error")
            return "error"

    def _apply(self, one: Input) -> str:
        kind = type(one)
        if kind is Report:
            return self.engine.apply(one)  # type: ignore[arg-type]
        if isinstance(one, AppEvent):
            return self.engagements.apply(one)
        if isinstance(one, Tick):
            waiting = self.engine.advance(one.now, SLICE_SESSIONS)
            return "more" if self.lifecycle.turn(one.now, SLICE_SESSIONS) or waiting else "ok"
        if isinstance(one, StreamLive):
            self.lifecycle.live(one)
        elif isinstance(one, StreamOver):
            self.lifecycle.over(one)
        elif isinstance(one, HandoffTaken):
            self.handoffs[one.source] = one.sequence
        elif isinstance(one, Resumed):
            self.engine.resume(one.now, one.away)
        elif isinstance(one, ClockSet):
            self.engine.set_clock(one.now, one.by)
        return "ok"

    def head(self) -> dict[str, Any]:
        """All state but the sessions and sketches, as plain values; the caller holds the lock."""
        return {
            "now": self.engine.now,
            "tables": self.tables.state(),
            "broadcasts": [broadcast.state() for broadcast in self.engine.broadcasts.values()],
            "remembered": self.engine.remembered.state(),
            "events": self.engagements.state(),
            "handoffs": dict(self.handoffs),
            "unspooled": [line.decode() for line in self.spool.held()],
        }

    def restore(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the rows of a checkpoint back, into a shard that has taken nothing yet."""
        head = rows[0]
        self.engine.now = head["now"]
        self.handoffs = dict(head["handoffs"])
        self.spool.hold(line.encode() for line in head.get("unspooled", ()))
        for kept in head["broadcasts"]:
            self.engine.broadcast_of(kept["stream"], kept["started"]).restore(kept)
        self.tables.restore(head["tables"])
        self.engine.forget_cells()
        self.engine.remembered.restore(head["remembered"])
        self.engagements.restore(head["events"])
        for row in rows[1:]:
            if row["kind"] == "session":
                self.engine.restore_session(row["row"])
            elif row["kind"] == "sketches" and row["stream"] in self.engine.broadcasts:
                self.engine.broadcasts[row["stream"]].restore_sketches(row["row"])

    def tick(self) -> None:
        """Let time pass; in slices, so that reports get their turn in between."""
        if self.engine.now > self.now() + SMALLEST_SECONDS:  # a report was dated just before our clock was set back
            self.take([ClockSet(self.now(), 0.0)])
        while self.take([Tick(self.now())]) == ["more"]:
            time.sleep(YIELD_SECONDS)
        with self.lock:
            self.spool.turn()

    def write_sketches(self) -> None:
        """Spool the sketches of the broadcasts that are on."""
        now = self.now()
        with self.lock:
            for broadcast in list(self.engine.broadcasts.values()):
                if not broadcast.closed:
                    self._sketches(broadcast, now)

    def _on_end(self, session: Session, ending: Ending) -> None:
        self._spool(self._records.session(session, ending))

    def _on_event(self, event: AppEvent) -> None:
        self._spool(self._records.event(event))

    def _on_close(self, broadcast: Broadcast, now: float) -> None:
        self._sketches(broadcast, now)
        self._spool(self._records.broadcast(broadcast, broadcast.over_at))

    def _sketches(self, broadcast: Broadcast, now: float) -> None:
        for record in self._records.sketches(broadcast, now):
            self._spool(record)

    def _spool(self, record: Mapping[str, object]) -> None:
        self.tables.spooled.add(1, "written" if self.spool.write(record) else "dropped")


def _dated(one: Input, now: float) -> Input:
    """An input as if it had come now."""
    if isinstance(one, Tick):
        return Tick(now)
    if isinstance(one, (Report, AppEvent, StreamLive, StreamOver)):
        return one._replace(received=now)
    return one
