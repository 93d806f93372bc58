"""A synthetic player: what a viewer's buffer would do, played in real time from what the playlist lists."""

from __future__ import annotations

from dataclasses import dataclass

START_TARGET_DURATIONS = 3


@dataclass(slots=True)
class PlayerClock:
    """How much has been stalled since the last look, in seconds, and how often that began."""

    stalled_seconds: float = 0.0
    stalls: int = 0


class SyntheticPlayer:
    """Starts three target durations behind the live edge (rfc8216bis §6.3.3) and takes every new segment.

    A stall ends when a segment's worth is buffered again.
    """

    def __init__(self, now: float) -> None:
        self.buffer_seconds = 0.0
        self.playing = False
        self._started = False
        self._resume_seconds = 0.0
        self._now = now

    def start(self, listed_seconds: float, target_duration: float) -> None:
        """Join: buffer what is listed, at most three target durations."""
        if not self._started:
            self.buffer_seconds = min(listed_seconds, START_TARGET_DURATIONS * target_duration)
            self._resume_seconds = target_duration
            self._started = self.playing = self.buffer_seconds > 0

    def receive(self, seconds: float) -> None:
        """Buffer new media."""
        if self._started:
            self.buffer_seconds += seconds
            if not self.playing and self.buffer_seconds >= self._resume_seconds - 0.001:
                self.playing = True

    def advance(self, now: float) -> PlayerClock:
        """Play until ``now``; what stalled on the way."""
        elapsed, self._now = now - self._now, now
        if not self._started or elapsed <= 0:
            return PlayerClock()
        if not self.playing:
            return PlayerClock(stalled_seconds=elapsed)
        short = elapsed - self.buffer_seconds
        self.buffer_seconds = max(0.0, self.buffer_seconds - elapsed)
        if short > 0:
            self.playing = False
            return PlayerClock(stalled_seconds=short, stalls=1)
        return PlayerClock()
