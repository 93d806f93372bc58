"""Request ids seen lately, so that a record that a vendor delivers twice counts once."""

from __future__ import annotations


class RecentIds:
    """Remembers between ``limit`` and twice as many ids, by their hash."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._young: set[int] = set()
        self._old: set[int] = set()

    def is_repeat(self, request_id: str) -> bool:
        """Whether the id was seen before; it is remembered. An empty id never is a repeat."""
        if not request_id:
            return False
        key = hash(request_id)
        if key in self._young or key in self._old:
            return True
        if len(self._young) >= self._limit:
            self._old, self._young = self._young, set()
        self._young.add(key)
        return False
