"""Runs a rendition's or a stream's probe against a server in tests, turn by turn, with all that it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from exporters import metrics
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import HttpFetcher
from exporters.hls.findings import Finding
from exporters.hls.media import Clock
from exporters.hls.pacing import Budget, Pace
from exporters.hls.rendition import RenditionProbe, Workshop
from exporters.hls.stream import ProbeOptions, StreamProbe
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target
from exporters.hls.violations import Violations


@dataclass
class Turning:
    """A clock that tests turn."""

    now: float = 1000.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.now + 1_800_000_000, monotonic=lambda: self.now)


@dataclass
class Probing:
    """What a test drives: the probes of one target, their tables and findings."""

    shop: Workshop
    stream: StreamProbe
    tables: HlsTables
    found: list[Finding] = field(default_factory=list)

    def rendition(self, url: str, blocking: bool = True) -> RenditionProbe:
        return RenditionProbe("main", url, self.shop, blocking)

    def rules(self) -> set[str]:
        return {one.rule for one in self.found}


def probe(
    url: str, drive: Callable[[Probing], Awaitable[None]], clock: Clock | None = None, timeout: float = 5
) -> Probing:
    """Let ``drive`` act on the probes of ``url`` in an event loop; gives them back when it has ended."""

    async def run() -> Probing:
        target, tables, found = Target("demo", "origin", url), HlsTables(), []
        fetcher = HttpFetcher("test")
        exchange = Exchange(target, fetcher, tables, timeout)
        violations = Violations(tables, "demo", "origin", lambda source, finding: found.append(finding))
        pace = Pace(tables.histogram(metrics.HLS_PROBE_LAG).cell())
        ours = clock or Clock()
        options = ProbeOptions(sample_seconds=0, grace_seconds=0)
        stream = StreamProbe(target, exchange, tables, violations, pace, Budget(100.0), options, ours, leads=True)
        shop = Workshop(exchange, tables, violations, pace, ours, lambda name, step: None, lambda: None, lambda: False)
        probing = Probing(shop, stream, tables, found)
        try:
            await drive(probing)
        finally:
            await stream.cancel()
            await fetcher.close()
        return probing

    return asyncio.run(run())


async def until(condition: Callable[[], object], what: str) -> None:
    """Let the probes go on until ``condition`` holds; fails with ``what`` after 10 s."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited for {what}")
