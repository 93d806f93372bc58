"""Notices that our clock was set, by the monotonic clock."""

from __future__ import annotations

import time
from collections.abc import Callable

SMALLEST_SECONDS = 3.0
"""What is less may be a clock that is slewed, and disturbs nothing."""


class ClockWatch:
    """Compares the two clocks each time it is asked."""

    def __init__(self, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._ahead = clock() - monotonic()

    def moved(self) -> float:
        """By how many seconds the clock was set since the last call; 0 for small ones."""
        ahead = self._clock() - self._monotonic()
        by, self._ahead = ahead - self._ahead, ahead
        return by if abs(by) >= SMALLEST_SECONDS else 0.0
