"""Blocking reloads of one Low-Latency rendition: hold times, wrong answers and the cadence of parts."""

from __future__ import annotations

from exporters import metrics
from exporters.errors import SourceError
from exporters.hls.exchange import Exchange, StatusError
from exporters.hls.findings import Finding
from exporters.hls.lowlatency import (
    HANG_TARGET_DURATIONS,
    PART_LATE_RATIO,
    can_skip,
    delta_finding,
    early_finding,
    next_request,
)
from exporters.hls.media import Clock, MediaWatch, Poll
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.tables import HlsTables
from exporters.hls.violations import Violations

SKIP_EVERY = 5
"""one in so many reloads asks for a delta update"""
ANSWER_SECONDS = 2.0
"""what is granted for the way on top of the hold time"""


class BlockingReloads:
    """Makes blocking reloads, one after the other, and judges each."""

    def __init__(
        self, watch: MediaWatch, exchange: Exchange, tables: HlsTables, violations: Violations, clock: Clock
    ) -> None:
        self._watch = watch
        self._tables = tables
        self._violations = violations
        self._clock = clock
        self._labels = (exchange.target.stream, exchange.target.endpoint)
        self._source = f"blocking:{watch.name}"
        self._turns = 0
        self._part_at: float | None = None

    async def reload(self, asked: MediaPlaylist) -> Poll:
        """One blocking reload after ``asked``; raises SourceError after counting what kind of failure it was."""
        self._turns += 1
        skip = self._turns % SKIP_EVERY == 0 and can_skip(asked)
        hang_seconds = HANG_TARGET_DURATIONS * asked.target_duration
        try:
            poll = await self._watch.poll(next_request(self._watch.url, asked, skip), hang_seconds + ANSWER_SECONDS)
        except SourceError as error:
            self._part_at = None
            self._violations.update(self._source, self._failed(error, hang_seconds))
            raise
        self._tables.histogram(metrics.HLS_BLOCKING_RELOAD).observe(poll.seconds, self._labels[1])
        self._violations.update(self._source, self._judge(asked, poll, skip))
        return poll

    def _judge(self, asked: MediaPlaylist, poll: Poll, skip: bool) -> list[Finding]:
        found = []
        present = self._watch.playlist
        early = early_finding(asked, present) if present is not None else None
        if early is not None:
            self._error("early")
            found.append(early)
        if skip and poll.answered is not None and (wrong := delta_finding(asked, poll.answered)):
            found.append(wrong)
        late = self._cadence(asked, poll)
        return [*found, late] if late else found

    def _cadence(self, asked: MediaPlaylist, poll: Poll) -> Finding | None:
        """Observe the interval between parts; a finding when it was much longer than the part target."""
        if poll.step is None or not poll.step.parts or asked.part_target is None:
            return None
        now, before = self._clock.monotonic(), self._part_at
        self._part_at = now
        if before is None or poll.step.restarted:
            return None
        interval = (now - before) / len(poll.step.parts)
        intervals = self._tables.histogram(metrics.HLS_PART_INTERVAL).cell(*self._labels)
        intervals.observe(interval, len(poll.step.parts))
        if interval <= PART_LATE_RATIO * asked.part_target:
            return None
        return Finding("part_late", "", f"{interval:.3f} s between parts, part target {asked.part_target:g} s")

    def _failed(self, error: SourceError, hang_seconds: float) -> list[Finding]:
        if isinstance(error, StatusError) and error.status == 400:
            self._error("http_400")
            return [Finding("blocking_reload_bad_request", "refused", "a right blocking request was refused")]
        if isinstance(error, StatusError) and error.status == 503:
            self._error("http_503")
        elif error.reason == "timeout":
            self._error("timeout")
            return [Finding("blocking_reload_hang", "", f"no answer within {hang_seconds:g} s and some")]
        elif error.reason == "delta_update_wrong":
            return [Finding("delta_update_wrong", "", str(error))]
        return []

    def _error(self, reason: str) -> None:
        self._tables[metrics.HLS_BLOCKING_RELOAD_ERRORS].add(1, self._labels[1], reason)
