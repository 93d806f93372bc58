"""A check of one stream: the exporter's own probe, run for a while, with all that it found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exporters import metrics
from exporters.errors import SourceError
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import HttpFetcher
from exporters.hls.findings import Finding
from exporters.hls.media import Clock
from exporters.hls.pacing import Budget, Pace
from exporters.hls.rendition import PATIENCE, RenditionProbe
from exporters.hls.report import Report, ReportedRendition, collect_findings
from exporters.hls.rules.fetches import failure_finding
from exporters.hls.stream import ProbeOptions, StreamProbe
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target
from exporters.hls.violations import Violations

TICK_SECONDS = 0.25
PROGRESS_SECONDS = 2.0
SAMPLE_SECONDS = 4.0
USER_AGENT = "bigfootlive-probe/1 validate"


class Check:
    """Checks the stream at ``url``: every playlist and a segment of each rendition once, then for ``watch_seconds``."""

    def __init__(
        self,
        url: str,
        watch_seconds: float,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_seconds: float = 10.0,
        progress: Callable[[str], None] = lambda line: None,
        clock: Clock | None = None,
    ) -> None:
        self._target = Target("stream", "url", url, headers)
        self._watch_seconds = watch_seconds
        self._timeout_seconds = timeout_seconds
        self._progress = progress
        self._clock = clock or Clock()
        self._found: list[tuple[str, str, str]] = []
        self._tables = HlsTables()

    async def run(self) -> Report:
        fetcher = HttpFetcher(USER_AGENT)
        exchange = Exchange(self._target, fetcher, self._tables, self._timeout_seconds)
        violations = Violations(self._tables, self._target.stream, self._target.endpoint, self._note)
        pace = Pace(self._tables.histogram(metrics.HLS_PROBE_LAG).cell())
        options = ProbeOptions(sample_seconds=SAMPLE_SECONDS if self._watch_seconds else 0, grace_seconds=0)
        probe = StreamProbe(
            self._target, exchange, self._tables, violations, pace, Budget(100.0), options, self._clock, leads=True
        )
        try:
            self._progress(f"fetching {self._target.url}")
            await probe.declare()
            await self._first_look(probe)
            await self._watch(probe)
            return self._report(probe)
        except SourceError as error:
            self._note("multivariant", failure_finding(error))
            return Report(self._target.url, 0.0, (), collect_findings(self._found))
        finally:
            await probe.stop()
            await fetcher.close()

    def _note(self, source: str, finding: Finding) -> None:
        self._found.append((source, finding.rule, finding.message))

    async def _first_look(self, probe: StreamProbe) -> None:
        """Until every rendition was read or has failed for good, and a segment of each was sampled."""
        while not all(_looked_at(one) for one in probe.renditions.values()):
            await asyncio.sleep(0.05)
        for name in probe.renditions:
            self._progress(f"sampling a segment of {name}")
            await probe.sample()
        probe.tick()

    async def _watch(self, probe: StreamProbe) -> None:
        begun = self._clock.monotonic()
        shown = begun
        if self._watch_seconds:
            probe.start()
        while (now := self._clock.monotonic()) < begun + self._watch_seconds:
            probe.tick()
            if now - shown >= PROGRESS_SECONDS:
                shown = now
                self._progress(f"{now - begun:.0f} of {self._watch_seconds:g} s: {self._summary(probe)}")
            await asyncio.sleep(TICK_SECONDS)

    def _summary(self, probe: StreamProbe) -> str:
        new = ", ".join(f"{name} {self._new_segments(name)} new" for name in probe.renditions)
        return f"{new}; {len(self._found)} findings"

    def _new_segments(self, name: str) -> int:
        return int(self._tables[metrics.HLS_SEGMENTS].get(*self._labels(name)) or 0)

    def _labels(self, name: str) -> tuple[str, str, str]:
        return self._target.stream, self._target.endpoint, name

    def _report(self, probe: StreamProbe) -> Report:
        renditions = tuple(self._rendition(one) for one in probe.renditions.values())
        return Report(self._target.url, self._watch_seconds, renditions, collect_findings(self._found))

    def _rendition(self, one: RenditionProbe) -> ReportedRendition:
        playlist = one.watch.playlist
        declared = one.sampler.declared_bits_per_second
        if playlist is None:
            return ReportedRendition(one.name, one.watch.url, False, declared_bits_per_second=declared)
        measured = self._tables[metrics.HLS_MEASURED_RATE].get(*self._labels(one.name))
        latency = one.edge_latency
        return ReportedRendition(
            name=one.name,
            url=one.watch.url,
            reachable=one.watch.ok,
            target_duration_seconds=playlist.target_duration,
            segments_listed=len(playlist.segments),
            seconds_listed=round(playlist.seconds, 3),
            media_sequence=playlist.media_sequence,
            new_segments=self._new_segments(one.name),
            live_edge_latency_seconds=None if latency is None else round(latency, 3),
            declared_bits_per_second=declared,
            measured_bits_per_second=None if measured is None else round(measured * 8, 1),
            low_latency=playlist.part_target is not None,
            ended=playlist.ended,
        )


def _looked_at(one: RenditionProbe) -> bool:
    return one.watch.playlist is not None or one.watch.failures >= PATIENCE
