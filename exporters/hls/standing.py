"""How a stream stands at one endpoint: up or not, stale, renditions apart, ad breaks, and what a viewer would see."""

from __future__ import annotations

from collections.abc import Mapping

from exporters import metrics
from exporters.hls.breaks import AdBreaks
from exporters.hls.findings import Finding
from exporters.hls.media import Clock, MediaWatch
from exporters.hls.player import SyntheticPlayer
from exporters.hls.progress import Step
from exporters.hls.rendition import RenditionProbe
from exporters.hls.rules.across import check_renditions
from exporters.hls.tables import HlsTables
from exporters.hls.violations import Violations

DRIFT_TARGET_DURATIONS = 1.0


class Standing:
    """Joins what the renditions tell, and shows it."""

    def __init__(
        self, stream: str, endpoint: str, tables: HlsTables, violations: Violations, clock: Clock, leads: bool
    ) -> None:
        self.declared = False
        """whether the multivariant playlist could be read"""
        self.was_up = False
        self._stream = stream
        self._labels = (stream, endpoint)
        self._tables = tables
        self._violations = violations
        self._clock = clock
        self._leads = leads
        self._breaks = AdBreaks()
        self._player = SyntheticPlayer(clock.monotonic())
        self._behind: dict[str, float] = {}
        self._ticked_at = clock.monotonic()
        tables[metrics.HLS_UP].set(0, *self._labels)
        for family in (metrics.HLS_PLAYLIST_STALE_SECONDS, metrics.HLS_PROBE_REBUFFERS):
            tables[family].add(0, *self._labels)
        tables[metrics.HLS_PROBE_REBUFFER_SECONDS].add(0, *self._labels)
        if leads:
            tables[metrics.HLS_AD_BREAKS].add(0, stream)

    def polled(self, name: str, step: Step | None, renditions: Mapping[str, RenditionProbe]) -> None:
        """Take what a good fetch of one rendition brought: a step, or nothing new."""
        self._measure_drift(name, renditions)
        if step is None:
            return
        playlists = {key: one.watch.playlist for key, one in renditions.items() if one.watch.playlist is not None}
        self._violations.update("renditions", check_renditions(playlists))
        if name == next(iter(renditions), name):
            self._player.join(step.playlist.seconds, step.playlist.target_duration)
            self._player.receive(sum(one.duration for one in step.segments))
            self._follow_breaks(step)

    def tick(self, renditions: Mapping[str, RenditionProbe]) -> None:
        """Show what time alone changes."""
        now = self._clock.monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        stale = {name for name, one in renditions.items() if one.watch.stale()}
        good = {name for name, one in renditions.items() if one.watch.ok and name not in stale}
        for name, one in renditions.items():
            if one.watch.playlist is not None:
                one.shown.stale(name in stale)
            self._violations.update(f"age:{name}", self._age_findings(one.watch, name in stale, bool(good)))
        if stale:
            self._tables[metrics.HLS_PLAYLIST_STALE_SECONDS].add(elapsed, *self._labels)
        up = self.declared and bool(good)
        self.was_up = self.was_up or up
        self._tables[metrics.HLS_UP].set(int(up), *self._labels)
        failing = sum(not one.watch.ok for one in renditions.values())
        states = {"declared": len(renditions), "ok": len(good), "failing": failing, "stale": len(stale)}
        for state, number in states.items():
            self._tables[metrics.HLS_VARIANTS].set(number, *self._labels, state)
        self._play(now)

    def forget(self, name: str) -> None:
        """A rendition is no longer declared."""
        self._tables.forget_variant(*self._labels, name)
        self._behind.pop(name, None)
        for source in (name, *(f"{kind}:{name}" for kind in SOURCES)):
            self._violations.forget(source)

    def end(self) -> None:
        """The stream has ended here: it is down, and what only holds while live is withheld."""
        self._tables[metrics.HLS_UP].set(0, *self._labels)
        self._tables.withhold(*self._labels)

    def _age_findings(self, watch: MediaWatch, stale: bool, others_go_on: bool) -> list[Finding]:
        if watch.failures >= 2 and others_go_on and self.was_up:
            return [Finding("variant_missing", "", f"{watch.name} is declared and cannot be fetched")]
        if not stale:
            return []
        found = [Finding("stale_playlist", "", f"no new segment for {self._age(watch):.1f} s")]
        if others_go_on:
            found.append(Finding("variant_stale", "", f"{watch.name} stands still while others go on"))
        return found

    def _age(self, watch: MediaWatch) -> float:
        return self._clock.monotonic() - watch.changed_at

    def _measure_drift(self, name: str, renditions: Mapping[str, RenditionProbe]) -> None:
        """How far this rendition's live edge is behind those fetched before it: a bound that no fetch time falsifies.

        The others may have gone on since, so the true distance is at least this.
        """
        watch = renditions[name].watch if name in renditions else None
        if watch is None or watch.edge_time is None or name.startswith("subtitles"):
            return
        others = [one.watch.edge_time for key, one in renditions.items() if key != name]
        edges = [edge for edge in others if edge is not None]
        if not edges or watch.playlist is None:
            return
        self._behind[name] = max(0.0, max(edges) - watch.edge_time)
        drift = max(self._behind.values())
        self._tables[metrics.HLS_VARIANT_DRIFT].set(round(drift, 6), *self._labels)
        limit = DRIFT_TARGET_DURATIONS * watch.playlist.target_duration
        found = [Finding("variant_drift", "", f"live edges are {drift:.1f} s apart")] if drift > limit else []
        self._violations.update("drift", found)

    def _follow_breaks(self, step: Step) -> None:
        if step.restarted:
            self._breaks = AdBreaks()
        news = self._breaks.follow(step.segments if step.before or step.restarted else step.playlist.segments)
        if step.segments:
            self._violations.update("breaks", news.findings)
        if not self._leads:
            return
        # A break that was under way when we came is not a new one.
        if step.before is not None:
            self._tables[metrics.HLS_AD_BREAKS].add(news.begun, self._stream)
        if news.delta_seconds is not None:
            self._tables[metrics.HLS_AD_BREAK_DELTA].set(round(news.delta_seconds, 6), self._stream)

    def _play(self, now: float) -> None:
        told = self._player.advance(now)
        self._tables[metrics.HLS_PROBE_REBUFFERS].add(told.stalls, *self._labels)
        self._tables[metrics.HLS_PROBE_REBUFFER_SECONDS].add(told.stalled_seconds, *self._labels)
        self._tables[metrics.HLS_PROBE_BUFFER].set(round(self._player.buffer_seconds, 6), *self._labels)


SOURCES = ("fetch", "age", "segment", "removed", "blocking", "hint", "part", "refusal")
"""what else finds something about a rendition, besides its playlist"""
