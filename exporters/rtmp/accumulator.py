"""Growth of servers' counters, through restarts, reloads and streams that are created anew."""

from __future__ import annotations

from collections.abc import Hashable, Set
from dataclasses import dataclass

BORN_TOLERANCE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class _Seen:
    raw: int
    born: float | None


class CounterMemory:
    """Remembers the last raw value of each counter and tells by how much it grew.

    A counter first seen counts from 0, so that what a running stream received before the exporter started is not lost.
    One that went down, or that was born later than the one remembered, started again from 0.
    """

    def __init__(self) -> None:
        self._seen: dict[Hashable, _Seen] = {}

    def growth(self, key: Hashable, raw: int | None, born: float | None = None) -> int:
        """What was added since the last call; ``born`` is the steady time at which the counter started, if known."""
        if raw is None:
            return 0
        before = self._seen.get(key)
        self._seen[key] = _Seen(raw, born)
        if before is None or raw < before.raw:
            return raw
        if born is not None and before.born is not None and born > before.born + BORN_TOLERANCE_SECONDS:
            return raw
        return raw - before.raw

    def keep(self, group: Hashable, keys: Set[Hashable]) -> None:
        """Forget the counters of a group (the first part of their keys) that are not among these."""
        gone = [key for key in self._seen if isinstance(key, tuple) and key[0] == group and key not in keys]
        for key in gone:
            del self._seen[key]

    def __len__(self) -> int:
        return len(self._seen)
