"""The probing engine: one event loop in a thread of its own that follows every target."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from exporters import metrics
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import Fetcher, HttpFetcher
from exporters.hls.media import Clock
from exporters.hls.pacing import Budget, Pace
from exporters.hls.stream import ProbeOptions, StreamProbe
from exporters.hls.tables import HlsTables
from exporters.hls.targets import MAX_ENDPOINTS, Target
from exporters.hls.violations import Violations

log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
STARTS_PER_TICK = 50
TICKS_AT_ONCE = 20


class ProbeEngine:
    """Starts a probe for each target, stops those that are gone, and forgets their series after the retention."""

    def __init__(
        self,
        targets: Callable[[], Sequence[Target]],
        tables: HlsTables,
        *,
        options: ProbeOptions,
        timeout_seconds: float,
        retention_seconds: float,
        max_streams: int,
        samples_per_second: float = 10.0,
        user_agent: str,
        clock: Clock | None = None,
    ) -> None:
        self.tables = tables
        self._targets = targets
        self._timeout_seconds = timeout_seconds
        self._options = options
        self._retention_seconds = retention_seconds
        self._max_streams = max_streams
        self._budget = Budget(samples_per_second)
        self._user_agent = user_agent
        self._clock = clock or Clock()
        self._probes: dict[Target, StreamProbe] = {}
        self._ended: dict[tuple[str, str], float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="hls-probe", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    async def _run(self) -> None:
        fetcher = HttpFetcher(self._user_agent)
        pace = Pace(self.tables.histogram(metrics.HLS_PROBE_LAG).cell())
        try:
            while not self._stop.is_set():
                try:
                    await self._turn(fetcher, pace)
                except Exception:
                    log.exception("turn of the probing engine failed")
                await asyncio.sleep(TICK_SECONDS)
        finally:
            for probe in self._probes.values():
                await probe.stop()
            await fetcher.close()

    async def _turn(self, fetcher: HttpFetcher, pace: Pace) -> None:
        wanted = self._admitted(self._targets())
        for target in [target for target in self._probes if target not in wanted]:
            await self._probes.pop(target).stop()
            self._ended[target.stream, target.endpoint] = self._clock.monotonic()
        for target in [target for target in wanted if target not in self._probes][:STARTS_PER_TICK]:
            probe = self._probe(target, fetcher, pace)
            self._probes[target] = probe
            self._ended.pop((target.stream, target.endpoint), None)
            probe.start()
        for number, probe in enumerate(list(self._probes.values())):
            probe.tick()
            if number % TICKS_AT_ONCE == 0:
                await asyncio.sleep(0)  # fetches that are due go first
        self._forget_ended()

    def _probe(self, target: Target, fetcher: Fetcher, pace: Pace) -> StreamProbe:
        exchange = Exchange(target, fetcher, self.tables, self._timeout_seconds)
        violations = Violations(self.tables, target.stream, target.endpoint)
        leads = not any(one.stream == target.stream for one in self._probes)
        return StreamProbe(
            target, exchange, self.tables, violations, pace, self._budget, self._options, self._clock, leads
        )

    def _admitted(self, targets: Sequence[Target]) -> dict[Target, None]:
        """The targets of the first ``max_streams`` streams, in their order; those that are followed go first."""
        followed = {target.stream for target in self._probes}
        streams = list(dict.fromkeys(target.stream for target in targets))
        streams.sort(key=lambda stream: stream not in followed)
        admitted = set(streams[: self._max_streams])
        for endpoint in {target.endpoint for target in targets}:
            there = [target for target in targets if target.endpoint == endpoint]
            probed = sum(target.stream in admitted for target in there)
            self.tables[metrics.HLS_TARGETS].set(probed, endpoint, "probed")
            self.tables[metrics.HLS_TARGETS].set(len(there) - probed, endpoint, "left_out")
        unique = {(target.stream, target.endpoint): target for target in targets if target.stream in admitted}
        return dict.fromkeys(unique.values())

    def _forget_ended(self) -> None:
        """Forget what ended before the retention, and the oldest where more have ended than may be followed."""
        limit = self._clock.monotonic() - self._retention_seconds
        surplus = len(self._ended) - MAX_ENDPOINTS * self._max_streams
        for number, ((stream, endpoint), ended) in enumerate(list(self._ended.items())):
            if ended <= limit or number < surplus:
                del self._ended[stream, endpoint]
                self.tables.forget(stream, endpoint)
                if not any(stream == other.stream for other in self._probes):
                    self.tables.forget_stream(stream)
