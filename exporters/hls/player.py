"""A synthetic player: what a viewer's buffer would do, played in real time from what the playlist lists."""

from __future__ import annotations

from dataclasses import dataclass

START_TARGET_DURATIONS = 3
ROUNDING_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class PlayerClock:
    """How much has been stalled since the last look, in seconds, and how often that began."""

    stalled_seconds: float = 0.0
    stalls: int = 0


class SyntheticPlayer:
    """Plays from three target durations behind the live edge (rfc8216bis §6.3.3) and takes every new segment.

    It begins when that much is buffered, and goes on after a stall when a target duration is.
    """

    def __init__(self, now: float) -> None:
        self.buffer_seconds = 0.0
        self.playing = False
        self._began = False
        self._joined = False
        self._needed_seconds = 0.0
        self._target_duration = 0.0
        self._now = now

    def join(self, listed_seconds: float, target_duration: float) -> None:
        """Buffer what is listed, at most three target durations; does nothing the second time."""
        if self._joined:
            return
        self._joined = True
        self._target_duration = target_duration
        self._needed_seconds = START_TARGET_DURATIONS * target_duration
        self.receive(min(listed_seconds, self._needed_seconds))

    def receive(self, seconds: float) -> None:
        """Buffer new media."""
        if not self._joined:
            return
        self.buffer_seconds += seconds
        if not self.playing and self.buffer_seconds >= self._needed_seconds - ROUNDING_SECONDS:
            self.playing = self._began = True
            self._needed_seconds = self._target_duration

    def advance(self, now: float) -> PlayerClock:
        """Play until ``now``; what stalled on the way."""
        elapsed, self._now = now - self._now, now
        if not self.playing:
            return PlayerClock(stalled_seconds=elapsed if self._began else 0.0)
        short = elapsed - self.buffer_seconds
        self.buffer_seconds = max(0.0, self.buffer_seconds - elapsed)
        if short > 0:
            self.playing = False
            return PlayerClock(stalled_seconds=short, stalls=1)
        return PlayerClock()
