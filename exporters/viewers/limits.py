"""Rate limits by token buckets, for a bounded number of senders."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """Lets each name through ``per_second`` times on average and ``burst`` times at once; 0 means no limit."""

    def __init__(
        self, per_second: float, burst: float, names: int = 100_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._most_names = names
        self._clock = clock
        self._buckets: OrderedDict[str, list[float]] = OrderedDict()

    def allows(self, name: str, cost: float = 1.0) -> bool:
        """Take ``cost`` tokens of ``name``; false when it has too few."""
        if self._per_second <= 0:
            return True
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = [self._burst, now]
            self._forget(now)
        else:
            bucket[0] = min(self._burst, bucket[0] + (now - bucket[1]) * self._per_second)
            bucket[1] = now
            self._buckets.move_to_end(name)
        if bucket[0] < cost:
            return False
        bucket[0] -= cost
        return True

    @property
    def names(self) -> int:
        """Of how many senders something is kept."""
        return len(self._buckets)

    def _forget(self, now: float) -> None:
        """Drop buckets that have filled up since they were used, for a new one is as full; and any above the bound."""
        fills_in = self._burst / self._per_second
        while len(self._buckets) > self._most_names or now - next(iter(self._buckets.values()))[1] > fills_in:
            self._buckets.popitem(last=False)
