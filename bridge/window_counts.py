"""The counts of rate limits in memory, for the ``limits`` library."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from limits.storage import Storage

SWEEP_SECONDS = 10.0


class WindowCounts(Storage):
    """Counts hits by key until their window ends.

    The library's own memory starts a timer every 10 ms of traffic, and each walks through all keys; this one looks for
    what has ended every ten seconds. It never waits, so that among greenlets it needs no lock.
    """

    STORAGE_SCHEME = None
    base_exceptions = ValueError

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, tuple[int, float]] = {}
        """hits, and when the window ends"""
        self._sweep_at = -math.inf

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count ``amount`` hits in a window of ``expiry`` seconds; the hits of the window so far."""
        now = self._clock()
        if now >= self._sweep_at:
            self._windows = {one: window for one, window in self._windows.items() if window[1] > now}
            self._sweep_at = now + SWEEP_SECONDS
        hits, end = self._windows.get(key, (0, 0.0))
        if end <= now:
            hits, end = 0, now + expiry
        self._windows[key] = (hits + amount, end)
        return hits + amount

    def get(self, key: str) -> int:
        hits, end = self._windows.get(key, (0, 0.0))
        return hits if end > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the window ends, in Unix seconds; now where there is none."""
        return self._windows.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        forgotten = len(self._windows)
        self._windows = {}
        return forgotten

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)
