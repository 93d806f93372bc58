"""Following one stream at one endpoint: its multivariant playlist, and a task for every rendition it declares."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin

from exporters import metrics
from exporters.errors import SourceError, SourceFormatError
from exporters.hls import naming, reading
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import NO_HEADERS
from exporters.hls.media import Clock
from exporters.hls.pacing import Budget, Pace
from exporters.hls.playlist import MultivariantPlaylist
from exporters.hls.progress import Step
from exporters.hls.rendition import PATIENCE, RETRY_SECONDS, RenditionProbe, Workshop
from exporters.hls.rules.across import check_multivariant
from exporters.hls.rules.fetches import failure_finding
from exporters.hls.sampling import check_removed
from exporters.hls.standing import Standing
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target
from exporters.hls.validators import conditional_headers
from exporters.hls.violations import Violations

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProbeOptions:
    """How streams are probed; all times in seconds."""

    reload_seconds: float = 10.0
    """between fetches of the multivariant playlist"""
    sample_seconds: float = 10.0
    """between sampled segment downloads, over all renditions in turn; 0 for none"""
    grace_seconds: float = 10.0
    """how long a stream that has just appeared may have no playlist yet"""


class StreamProbe:
    """Probes one target until it is stopped.

    ``budget`` is shared by all samples; ``leads`` says that this endpoint counts the stream's ad breaks.
    """

    def __init__(
        self,
        target: Target,
        exchange: Exchange,
        tables: HlsTables,
        violations: Violations,
        pace: Pace,
        budget: Budget,
        options: ProbeOptions,
        clock: Clock,
        leads: bool,
    ) -> None:
        self.target = target
        self.renditions: dict[str, RenditionProbe] = {}
        self.standing = Standing(target.stream, target.endpoint, tables, violations, clock, leads)
        self.violations = violations
        self._exchange = exchange
        self._tables = tables
        self._pace = pace
        self._budget = budget
        self._options = options
        self._clock = clock
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._own_tasks: list[asyncio.Task[None]] = []
        self._conditional: Mapping[str, str] = NO_HEADERS
        self._wake = asyncio.Event()
        self._grace_until = clock.monotonic() + options.grace_seconds
        self._failures = 0
        self._sampled = 0
        self._shop = Workshop(
            exchange, tables, violations, pace, clock, self._polled, self._wake.set, self._may_be_starting
        )

    def start(self) -> None:
        self._own_tasks = [asyncio.create_task(self._run())]
        if self._options.sample_seconds > 0:
            self._own_tasks.append(asyncio.create_task(self._run_samples()))

    async def stop(self) -> None:
        """End all tasks and withhold what only holds while the stream is live."""
        await self.cancel()
        self.standing.end()

    async def cancel(self) -> None:
        """End all tasks."""
        tasks = [*self._own_tasks, *self._tasks.values()]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    def tick(self) -> None:
        """Show what time alone changes."""
        self.standing.tick(self.renditions)

    async def _run(self) -> None:
        due = self._clock.monotonic()
        while True:
            begun = await self._pace.until(due)
            try:
                wait = await self.turn()
            except Exception:
                log.exception("turn of %s failed", self.target.url)
                wait = self._options.reload_seconds
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, begun + wait - self._clock.monotonic()))
                await asyncio.sleep(max(0.0, begun + RETRY_SECONDS - self._clock.monotonic()))
            due = self._clock.monotonic()

    async def turn(self) -> float:
        """Fetch the multivariant playlist once, whatever comes of it; gives the seconds to the next time."""
        try:
            await self.declare()
        except SourceError as error:
            self._failed(error)
            return RETRY_SECONDS
        return self._options.reload_seconds

    async def declare(self) -> None:
        """Fetch the multivariant playlist and follow what it declares; raises SourceError."""
        answer = await self._exchange.get("multivariant", self.target.url, self._conditional)
        self._tables[metrics.HLS_LAST_PROBE].set(self._clock.wall(), self.target.stream, self.target.endpoint)
        if answer.status != 304:
            try:
                playlist = reading.read_playlist(answer.body, answer.url)
            except SourceFormatError:
                self._exchange.failed("multivariant", "parse")
                raise
            self._conditional = conditional_headers(answer.headers)
            if isinstance(playlist, MultivariantPlaylist):
                self.violations.update("multivariant", check_multivariant(playlist))
                self._declared(playlist, answer.url)
            else:
                self._follow({naming.MAIN: self.target.url})
        self.violations.update("fetch:multivariant", ())
        self._failures = 0
        self.standing.declared = True

    def _failed(self, error: SourceError) -> None:
        log.debug("%s: %s", self.target.url, error)
        self._failures += 1
        self._conditional = NO_HEADERS
        self.standing.declared = False
        if self._failures >= PATIENCE and not self._may_be_starting():
            self.violations.update("fetch:multivariant", [failure_finding(error)])

    def _may_be_starting(self) -> bool:
        return not self.standing.was_up and self._clock.monotonic() < self._grace_until

    def _declared(self, playlist: MultivariantPlaylist, url: str) -> None:
        variants = naming.variants_by_name(playlist)
        named = naming.media_playlists(playlist)
        self._follow({name: urljoin(url, uri) for name, uri in named.items()})
        for name, variant in variants.items():
            if name in self.renditions and variant.bandwidth:
                self.renditions[name].sampler.declared_bits_per_second = variant.bandwidth
                labels = (self.target.stream, self.target.endpoint, name)
                self._tables[metrics.HLS_DECLARED_RATE].set(variant.bandwidth / 8, *labels)

    def _follow(self, urls: dict[str, str]) -> None:
        for name in [name for name in self.renditions if name not in urls]:
            self._tasks.pop(name).cancel()
            del self.renditions[name]
            self.standing.forget(name)
        for name, url in urls.items():
            if name in self.renditions:
                self.renditions[name].watch.url = url  # tokens in it may have changed
            else:
                # One rendition of a Low-Latency stream is followed by blocking reloads; all of them would be a load.
                probe = RenditionProbe(name, url, self._shop, blocking=not self.renditions)
                self.renditions[name] = probe
                self._tasks[name] = asyncio.create_task(probe.run())

    def _polled(self, name: str, step: Step | None) -> None:
        self.standing.polled(name, step, self.renditions)

    async def _run_samples(self) -> None:
        due = self._clock.monotonic() + self._pace.first(self._options.sample_seconds)
        while True:
            await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
            await self._budget.turn()
            begun = self._clock.monotonic()
            try:
                await self.sample()
            except Exception:
                log.exception("sampling of %s failed", self.target.url)
            due = max(begun + self._options.sample_seconds, self._clock.monotonic())

    async def sample(self) -> None:
        """Sample a segment of the rendition whose turn it is, one removed segment, and Low-Latency answers."""
        probes = [one for one in self.renditions.values() if one.watch.playlist is not None]
        if not probes:
            return
        probe = probes[self._sampled % len(probes)]
        self._sampled += 1
        playlist = probe.watch.playlist
        if playlist is None:
            return
        found = await probe.sampler.sample(playlist, probe.watch.final_url)
        if found is not None:
            self.violations.update(f"segment:{probe.name}", found)
        margin = playlist.target_duration
        removed = await check_removed(self._exchange, probe.removed, self._clock.monotonic(), margin)
        self.violations.update(f"removed:{probe.name}", removed)
        first = next(iter(self.renditions.values()))
        if first.watch.playlist is not None and first.watch.playlist.part_target is not None:
            await first.checks.round()
