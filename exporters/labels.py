"""The one guard that keeps label sets bounded: what exceeds the bound is folded into ``_other`` and counted."""

from __future__ import annotations

from collections.abc import Callable

OTHER = "_other"


class BoundedLabel:
    """Admits at most ``limit`` distinct values; any further one becomes ``_other`` and is reported to ``on_drop``."""

    __slots__ = ("_known", "_on_drop", "limit")

    def __init__(self, limit: int, on_drop: Callable[[], None] = lambda: None) -> None:
        self.limit = limit
        self._known: set[str] = set()
        self._on_drop = on_drop

    def admit(self, value: str) -> str:
        if value in self._known:
            return value
        if len(self._known) >= self.limit:
            self._on_drop()
            return OTHER
        self._known.add(value)
        return value

    def forget(self, value: str) -> None:
        """Make room again, when the value's series have been removed."""
        self._known.discard(value)

    def values(self) -> list[str]:
        """The admitted values, for a checkpoint."""
        return sorted(self._known)

    def __contains__(self, value: str) -> bool:
        return value in self._known

    def __len__(self) -> int:
        return len(self._known)
