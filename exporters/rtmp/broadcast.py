"""One stream through reconnects: its present publishers by name, and the totals that outlive them."""

from __future__ import annotations

from exporters.rtmp.clock import Instant
from exporters.rtmp.model import Role
from exporters.rtmp.publish import Publish


class Broadcast:
    """The publishes of a stream's names (renditions) and what they add up to.

    A broadcast goes on while a publisher comes back within ``reconnect_seconds``; then ``first_start`` and the time
    spent publishing begin anew with the next publish (``began`` is the last ``first_start``, kept after the end). Byte
    and frame totals live as long as the object.
    """

    def __init__(self, app: str, stream: str, reconnect_seconds: float) -> None:
        self.app = app
        self.stream = stream
        self.publishes: dict[str, Publish] = {}
        self.start: Instant | None = None
        self.first_start: Instant | None = None
        self.began: Instant | None = None
        self.ended: Instant | None = None
        self.reconnects = 0
        self.receive_bytes = 0
        self.transmit_bytes = 0
        self.frames: int | None = None
        self.error_frames: int | None = None
        self.dropped: dict[Role, int] = {}
        self.rate_kinds: tuple[str, ...] = ()
        self.last: dict[str, tuple[Publish, Instant, str]] = {}
        self._reconnect_seconds = reconnect_seconds
        self._published_seconds = 0.0

    def begin(self, publish: Publish) -> None:
        """A publisher came; it counts as a reconnect when its name ended less than ``reconnect_seconds`` before."""
        before = self.last.get(publish.name)
        if before is not None and publish.start.since(before[1]) < self._reconnect_seconds:
            self.reconnects += 1
        self._open(publish)

    def resume(self, publish: Publish) -> None:
        """A publisher that was taken for gone shows that it is not; its time goes on as if without a break."""
        self._open(publish)

    def end(self, name: str, at: Instant, reason: str) -> Publish:
        """A publisher went; gives its publish."""
        publish = self.publishes.pop(name)
        if publish.reading is not None:
            self.rate_kinds = tuple(publish.reading.receive_rates)
        self.last[name] = (publish, at, reason)
        if not self.publishes:
            self._published_seconds += at.since(self.start) if self.start else 0.0
            self.start, self.ended = None, at
        return publish

    def publishing_seconds(self, at: Instant) -> float:
        """Time spent publishing since ``first_start``."""
        return self._published_seconds + (at.since(self.start) if self.start else 0.0)

    def settle(self, at: Instant) -> None:
        """Close the broadcast when nobody came back in time, and forget names nobody came back to."""
        if self.ended is not None and not self.publishes and at.since(self.ended) >= self._reconnect_seconds:
            self.first_start = None
        over = [name for name, (_, ended, _) in self.last.items() if at.since(ended) >= self._reconnect_seconds]
        for name in over:
            del self.last[name]

    def knows(self, name: str) -> bool:
        """Whether this name is published, or was a moment ago."""
        return name in self.publishes or name in self.last

    def _open(self, publish: Publish) -> None:
        self.settle(publish.seen)
        if self.first_start is None:
            self.first_start, self._published_seconds = publish.start, 0.0
            self.began = publish.start
        begun = publish.start
        if self._published_seconds and self.ended is not None and begun.since(self.ended) < 0:
            begun = self.ended  # noticed late: this time is counted already
        if self.start is None:
            self.start = begun
        elif not self._published_seconds and begun.since(self.start) < 0:
            self.start = self.first_start = self.began = begun  # of renditions found running, the first is the start
        self.ended = None
        self.publishes[publish.name] = publish
