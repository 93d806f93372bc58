"""The guard around collectors: each gets a time limit, and the failure of one hides no other."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Protocol

from exporters import metrics
from exporters.errors import SourceError
from exporters.exposition import Samples, Table, render

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
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(self.collectors)), thread_name_prefix="collect")
        self._running: dict[str, Future[str]] = {}

    def render(self, openmetrics: bool) -> str:
        """The exposition of all collectors that answered in time, and of the guard itself."""
        success = Samples(metrics.COLLECTOR_SUCCESS)
        duration = Samples(metrics.COLLECTOR_DURATION)
        deadline = time.monotonic() + self.timeout_seconds
        begun = {one.name: (time.monotonic(), self._begin(one, openmetrics)) for one in self.collectors}
        texts = []
        for name, (start, future) in begun.items():
            text = self._finish(name, future, deadline - time.monotonic())
            if text is not None:
                texts.append(text)
            success.set(0 if text is None else 1, self.exporter, name)
            duration.set(round(time.monotonic() - start, 6), self.exporter, name)
        return "".join((*texts, render((success, duration), openmetrics)))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _begin(self, collector: Collector, openmetrics: bool) -> Future[str]:
        # A collector that hangs keeps its one thread; later scrapes wait for that run instead of starting more.
        running = self._running.get(collector.name)
        if running is None or running.done():
            running = self._pool.submit(lambda: render(collector.collect(), openmetrics))
            self._running[collector.name] = running
        return running

    def _finish(self, name: str, future: Future[str], seconds: float) -> str | None:
        try:
            text = future.result(timeout=max(0.0, seconds))
        except FutureTimeoutError:
            log.warning("collector %s did not answer within %.1f s", name, self.timeout_seconds)
            return None
        except SourceError as error:
            log.warning("collector %s: %s", name, error)
            text = None
        except Exception:
            log.exception("collector %s failed", name)
            text = None
        if self._running.get(name) is future:
            self._running.pop(name, None)  # its text may be long
        return text
