"""When to look at which session again: one-second buckets, so that keeping the time costs the same for any number."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.viewers.session import Session


def bucket_of(time: float) -> int:
    """The second in which ``time`` has passed."""
    return int(time) + 1


class Wheel:
    """Holds each session once or more; a session that lives on is simply put back for later."""

    def __init__(self) -> None:
        self._buckets: dict[int, list[Session]] = {}
        self._next = 0

    @property
    def second(self) -> int:
        """The bucket that sessions are taken out of."""
        return self._next

    def put(self, session: Session, time: float) -> None:
        """Look at this session when ``time`` (Unix seconds) has passed."""
        second = bucket_of(time)
        bucket = self._buckets.get(second)
        if bucket is None:
            self._buckets[second] = [session]
            self._next = min(self._next, second) if len(self._buckets) > 1 else second
        else:
            bucket.append(session)

    def due(self, now: float) -> Iterator[Session]:
        """Sessions whose time has come, taken out one by one; stop asking at any point, the rest stays."""
        while self._buckets:
            if self._next not in self._buckets:
                self._next = min(self._buckets)
            if self._next > now:
                return
            bucket = self._buckets[self._next]
            while bucket:
                yield bucket.pop()
            self._buckets.pop(self._next, None)

    def soonest(self) -> Iterator[Session]:
        """Sessions in the order of their time, taken out one by one."""
        return self.due(float("inf"))
