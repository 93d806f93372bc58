"""The one poller: asks the whole query catalogue each tick and swaps the snapshot, whatever the number of clients."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from bridge.promapi import PrometheusUnreachableError, QueryRefusedError
from bridge.snapshot import Snapshot, SnapshotStore, build
from exporters.loop import Loop
from prometheus.queries import SNAPSHOT, Query

log = logging.getLogger(__name__)
QUERIES_AT_ONCE = 4


class Source(Protocol):
    """Answers instant queries: Prometheus, or the simulator."""

    def instant(self, query: Query, at: float) -> Mapping[tuple[str, ...], float]: ...


class Poller(Loop):
    """Takes a snapshot each tick in a thread of its own; a failed tick keeps the last snapshot."""

    def __init__(
        self,
        source: Source,
        store: SnapshotStore,
        tick_seconds: float = 2.0,
        listeners: Sequence[Callable[[Snapshot], None]] = (),
        on_turn: Callable[[bool, float], None] = lambda reached, seconds: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("snapshot")
        self._source = source
        self._store = store
        self._tick_seconds = tick_seconds
        self._listeners = tuple(listeners)
        self._on_turn = on_turn
        self._clock = clock
        self._refused: set[str] = set()
        self._reached = True
        self._pool = ThreadPoolExecutor(QUERIES_AT_ONCE, thread_name_prefix="promql")

    def stop(self) -> None:
        super().stop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def take_turn(self) -> float:
        begun = time.monotonic()
        try:
            self.take()
            if not self._reached:
                log.info("Prometheus answers again")
            self._reached = True
        except PrometheusUnreachableError as error:
            if self._reached:
                log.warning("Prometheus does not answer: %s; the last snapshot is kept", error)
            self._reached = False
        finally:
            seconds = time.monotonic() - begun
            self._on_turn(self._reached, seconds)
        return max(0.05, self._tick_seconds - seconds)

    def take(self) -> Snapshot:
        """Ask everything once and swap the snapshot; raises PrometheusUnreachableError."""
        at = self._clock()
        answers = self._pool.map(lambda query: self._ask(query, at), SNAPSHOT)
        results = {query.name: answer for query, answer in zip(SNAPSHOT, answers, strict=True)}
        snapshot = build(at, results)
        self._store.swap(snapshot)
        for listener in self._listeners:
            listener(snapshot)
        return snapshot

    def _ask(self, query: Query, at: float) -> Mapping[tuple[str, ...], float]:
        try:
            return self._source.instant(query, at)
        except QueryRefusedError as error:
            # One refused text must not take the others along; said once, counted by telemetry each time.
            if query.name not in self._refused:
                self._refused.add(query.name)
                log.error("query %s is refused: %s", query.name, error)
            return {}
