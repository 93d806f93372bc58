"""The background work of the exporter: each media server is polled at its own pace by a thread of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

import psutil

from exporters.errors import SourceError
from exporters.loop import Loop
from exporters.rtmp.book import Round, StreamBook
from exporters.rtmp.clock import Clock, now
from exporters.rtmp.model import ServerReading
from exporters.rtmp.publicnames import PublicNames
from exporters.rtmp.servers import ServerRecord
from exporters.rtmp.sources import Source
from exporters.rtmp.targets import Target

log = logging.getLogger(__name__)
BUSY_SHARE = 0.5


def process_alive(epoch: str) -> bool | None:
    """Whether the local process of this number runs; None when the epoch is no process number."""
    return psutil.pid_exists(int(epoch)) if epoch.isdigit() else None


class Poller(Loop):
    """Polls one target every ``interval_seconds``, less often where a poll takes more than half of that."""

    def __init__(
        self,
        target: Target,
        source: Source,
        book: StreamBook,
        record: ServerRecord,
        interval_seconds: float = 1.0,
        host_cpu: Callable[[], float | None] = lambda: None,
        worker_alive: Callable[[str], bool | None] = lambda epoch: None,
        ignored_apps: frozenset[str] = frozenset(),
        names: PublicNames | None = None,
        clock: Clock = now,
    ) -> None:
        super().__init__(f"poll-{target.name}")
        self._target = target
        self._source = source
        self._book = book
        self._record = record
        self._interval_seconds = interval_seconds
        self._host_cpu = host_cpu
        self._worker_alive = worker_alive
        self._ignored_apps = ignored_apps
        self._names = names
        self._clock = clock
        self._answers = True

    def take_turn(self) -> float:
        begun = self._clock()
        self.poll()
        spent = self._clock().since(begun)
        return max(self._interval_seconds - spent, spent * BUSY_SHARE, 0.01)

    def poll(self) -> None:
        """Ask the server once and write down what it says, or that it does not answer."""
        begun = self._clock()
        try:
            readings = self._readings()
        except SourceError as error:
            self._record.failed(error, self._clock().since(begun))
            self._book.lose(self._target.name)
            if self._answers:
                log.warning("target %s: %s", self._target.name, error)
            self._answers = False
            return
        at = self._clock()
        complete = len(readings) >= self._target.workers
        self._record.answered(readings, at, at.since(begun), self._host_cpu())
        self._book.observe(Round(self._target.name, readings, begun, at, complete, self._alive_probe(readings)))
        if not self._answers:
            log.info("target %s answers again", self._target.name)
        self._answers = True

    def _readings(self) -> tuple[ServerReading, ...]:
        readings = tuple(self._without_ignored(one) for one in self._source.read())
        return readings if self._names is None else self._names.apply(readings)

    def _without_ignored(self, reading: ServerReading) -> ServerReading:
        if self._ignored_apps.isdisjoint(reading.apps):
            return reading
        apps = tuple(app for app in reading.apps if app not in self._ignored_apps)
        return replace(reading, apps=apps, streams=tuple(one for one in reading.streams if one.app in apps))

    def _alive_probe(self, readings: tuple[ServerReading, ...]) -> Callable[[str], bool | None]:
        """Trusted only where it knows the processes that just answered: those of a container may be out of sight."""
        known = all(self._worker_alive(reading.epoch) for reading in readings)
        return self._worker_alive if known else lambda epoch: None
