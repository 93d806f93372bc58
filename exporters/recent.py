"""What was seen lately, so that what is delivered twice counts once."""

from __future__ import annotations

from collections.abc import Iterable


class RecentKeys:
    """Remembers between ``limit`` and twice as many numbers; they stand for ids, which would take more memory."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._young: set[int] = set()
        self._old: set[int] = set()

    def is_repeat(self, key: int) -> bool:
        """Whether the key was seen before; it is remembered."""
        if key in self._young or key in self._old:
            return True
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, set()
        self._young.add(key)
        return False

    def state(self) -> list[int]:
        """The keys, for a checkpoint."""
        return [*self._old, *self._young]

    def restore(self, keys: Iterable[int]) -> None:
        """Take a checkpoint back."""
        self._old, self._young = set(keys), set()
