"""When to fetch next: at the pace of the target duration, spread out, with lateness measured."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

from exporters.exposition import HistogramCell

MIN_INTERVAL_SECONDS = 0.25
MAX_INTERVAL_SECONDS = 30.0


def reload_seconds(target_duration: float, changed: bool) -> float:
    """The wait after a fetch: a target duration when the playlist had changed, else half (rfc8216bis §6.3.4)."""
    seconds = target_duration if changed else target_duration / 2
    return min(max(seconds, MIN_INTERVAL_SECONDS), MAX_INTERVAL_SECONDS)


class Pace:
    """Waits until a fetch is due and observes how late it begins."""

    def __init__(
        self,
        lag: HistogramCell,
        clock: Callable[[], float] = time.monotonic,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self.clock = clock
        self._lag = lag
        self._spread = spread

    async def until(self, due: float) -> float:
        """Wait for the instant ``due`` of the clock; gives the instant at which it went on."""
        delay = due - self.clock()
        if delay > 0:
            await asyncio.sleep(delay)
        now = self.clock()
        self._lag.observe(max(0.0, now - due))
        return now

    def first(self, interval_seconds: float) -> float:
        """A random share of an interval, so that streams found together are not fetched together ever after."""
        return interval_seconds * (0.5 + self._spread() / 2)


class Budget:
    """Grants so many turns a second to all who ask, in their order."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = 1 / per_second
        self._clock = clock
        self._next = 0.0

    def reserve(self) -> float:
        """Take the next turn; gives the seconds until it is due."""
        now = self._clock()
        due = max(self._next, now)
        self._next = due + self._seconds
        return due - now

    async def turn(self) -> None:
        """Wait for the next turn."""
        await asyncio.sleep(self.reserve())
