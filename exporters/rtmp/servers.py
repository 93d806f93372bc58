"""What is known of the polled media servers themselves: whether they answer, their versions, workers and totals."""

from __future__ import annotations

from collections.abc import Iterable

from exporters import metrics
from exporters.errors import SourceError
from exporters.exposition import Samples, Table
from exporters.rtmp.accumulator import CounterMemory
from exporters.rtmp.clock import Instant
from exporters.rtmp.model import ServerReading
from exporters.rtmp.targets import Target

ERROR_REASONS = ("timeout", "connect", "http", "parse", "auth", "size")


class ServerTables:
    """The families of media servers, written by each target's poller."""

    name = "servers"

    def __init__(self) -> None:
        self.up = Samples(metrics.RTMP_UP)
        self.duration = Samples(metrics.RTMP_SCRAPE_DURATION)
        self.errors = Samples(metrics.RTMP_SCRAPE_ERRORS)
        self.last = Samples(metrics.RTMP_LAST_SCRAPE)
        self.info = Samples(metrics.RTMP_SERVER_INFO)
        self.start = Samples(metrics.RTMP_SERVER_START)
        self.workers = Samples(metrics.RTMP_SERVER_WORKERS)
        self.accepted = Samples(metrics.RTMP_SERVER_CONNECTIONS)
        self.received = Samples(metrics.RTMP_SERVER_RECEIVE_BYTES)
        self.transmitted = Samples(metrics.RTMP_SERVER_TRANSMIT_BYTES)
        self.streams = Samples(metrics.RTMP_STREAMS)
        self.cpu = Samples(metrics.RTMP_HOST_CPU)

    def collect(self) -> Iterable[Table]:
        return (
            *(self.up, self.duration, self.errors, self.last, self.info, self.start, self.workers),
            *(self.accepted, self.received, self.transmitted, self.streams, self.cpu),
        )


class ServerRecord:
    """Writes the rows of one target; what a server that is away would have told is withheld."""

    def __init__(self, target: Target, tables: ServerTables) -> None:
        self._target = target
        self._tables = tables
        self._memory = CounterMemory()
        self._starts: dict[str, float] = {}
        for reason in ERROR_REASONS:
            tables.errors.cell(target.name, reason)
        tables.up.set(0, target.name, target.backend)
        tables.workers.set(target.workers, target.name, "expected")

    def answered(self, readings: tuple[ServerReading, ...], at: Instant, seconds: float, cpu: float | None) -> None:
        """A good poll."""
        name, tables = self._target.name, self._tables
        tables.up.set(1, name, self._target.backend)
        tables.duration.set(round(seconds, 6), name)
        tables.last.set(round(at.wall, 3), name)
        tables.workers.set(len(readings), name, "seen")
        self._describe(readings, at)
        for reading in readings:
            for samples, kind, raw in (
                (tables.accepted, "accepted", reading.accepted),
                (tables.received, "in", reading.receive_bytes),
                (tables.transmitted, "out", reading.transmit_bytes),
            ):
                if raw is not None:
                    samples.add(self._memory.growth((name, reading.epoch, kind), raw), name)
        found = next((reading.cpu_ratio for reading in readings if reading.cpu_ratio is not None), cpu)
        if found is not None:
            tables.cpu.set(round(found, 4), name)

    def failed(self, error: SourceError, seconds: float) -> None:
        """A failed poll."""
        name, tables = self._target.name, self._tables
        tables.up.set(0, name, self._target.backend)
        tables.duration.set(round(seconds, 6), name)
        tables.errors.add(1, name, error.reason)
        tables.workers.set(0, name, "seen")
        for samples in (tables.info, tables.start, tables.streams, tables.cpu):
            samples.remove_where("target", name)

    def _describe(self, readings: tuple[ServerReading, ...], at: Instant) -> None:
        name, tables = self._target.name, self._tables
        # Uptimes are whole seconds, so the start is computed once a process and kept.
        self._starts = {
            reading.epoch: self._starts.get(reading.epoch, at.wall - reading.uptime_seconds)
            for reading in readings
            if reading.uptime_seconds is not None
        }
        tables.info.remove_where("target", name)
        for version in {reading.version for reading in readings}:
            tables.info.set(1, name, self._target.backend, version)
        if self._starts:
            tables.start.set(round(min(self._starts.values()), 3), name)
        counts: dict[tuple[str, str], int] = {}
        for reading in readings:
            for app in reading.apps:
                for state in ("publishing", "idle"):
                    counts.setdefault((app, state), 0)
            for stream in reading.streams:
                state = "publishing" if stream.publisher else "idle"
                counts[(stream.app, state)] = counts.get((stream.app, state), 0) + 1
        tables.streams.remove_where("target", name)
        for (app, state), count in counts.items():
            tables.streams.set(count, name, app, state)
