"""The guard around collectors: each gets a time limit, and the failure of one hides no other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from exporters import metrics
from exporters.errors import SourceError
from exporters.exposition import Samples, Table

log = logging.getLogger(__name__)


class Collector(Protocol):
    """Gives its present tables when scraped; raises SourceError when its source cannot be read."""

    name: str

    def collect(self) -> Iterable[Table]: ...


class GuardedCollectors:
    """Renders collectors side by side within one deadline and reports each one's success and duration.

    ``livestream_exporter_collector_success{exporter="rtmp",collector="streams"} 1``
    """

    def __init__(self, exporter: str, collectors: Sequence[Collector], timeout_seconds: float = 5.0) -> None:
        self.exporter = exporter
        self.collectors = tuple(collectors)
        self.timeout_seconds = timeout_seconds
        self._running: dict[str, _Run] = {}

    def render(self, openmetrics: bool) -> Iterator[str]:
        """The exposition, table by table, of all collectors that answered in time, and of the guard itself."""
        success = Samples(metrics.COLLECTOR_SUCCESS)
        duration = Samples(metrics.COLLECTOR_DURATION)
        deadline = time.monotonic() + self.timeout_seconds
        begun = [(time.monotonic(), self._begin(one)) for one in self.collectors]
        for start, run in begun:
            tables = self._finish(run, deadline - time.monotonic())
            for table in tables or ():
                yield table.render(openmetrics)
            success.set(0 if tables is None else 1, self.exporter, run.collector.name)
            duration.set(round(time.monotonic() - start, 6), self.exporter, run.collector.name)
        yield success.render(openmetrics)
        yield duration.render(openmetrics)

    def _begin(self, collector: Collector) -> _Run:
        # A collector that hangs keeps its one thread; later scrapes wait for that run instead of starting more.
        running = self._running.get(collector.name)
        if running is None or not running.is_alive():
            running = self._running[collector.name] = _Run(collector)
            running.start()
        return running

    def _finish(self, run: _Run, seconds: float) -> Sequence[Table] | None:
        run.join(max(0.0, seconds))
        if run.is_alive():
            log.warning("collector %s did not answer within %.1f s", run.collector.name, self.timeout_seconds)
        return run.tables


class _Run(threading.Thread):
    """One run of a collector; ``tables`` stays None where it fails, which is logged."""

    def __init__(self, collector: Collector) -> None:
        super().__init__(name=f"collect-{collector.name}", daemon=True)  # one that hangs does not hold the end up
        self.collector = collector
        self.tables: Sequence[Table] | None = None

    def run(self) -> None:
        try:
            self.tables = tuple(self.collector.collect())
        except SourceError as error:
            log.warning("collector %s: %s", self.collector.name, error)
        except Exception:
            log.exception("collector %s failed", self.collector.name)
