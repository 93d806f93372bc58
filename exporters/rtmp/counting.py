"""Streams' byte, frame and drop totals: the growth of servers' counters, added to the broadcast they belong to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from exporters.rtmp.accumulator import CounterMemory
from exporters.rtmp.broadcast import Broadcast
from exporters.rtmp.model import StreamReading

Sight = tuple[str, StreamReading]
"""The process (epoch) that has a stream, and what it says of it."""


class StreamCounts:
    """Follows the counters of every place a target counts a stream in; ``close`` ends a round of a target."""

    def __init__(self) -> None:
        self._memory = CounterMemory()
        self._followed: set[object] = set()

    def take(
        self, target: str, steady: float, broadcast: Broadcast, found: Sequence[Sight], sources: Collection[Sight]
    ) -> None:
        """Add what grew in all places; only ``sources`` received from a publisher, others have a copy."""
        for sight in found:
            epoch, reading = sight
            key = (target, epoch, reading.place, reading.app, reading.name)
            born = None if reading.age_seconds is None else steady - reading.age_seconds
            received = self._growth((*key, "in"), reading.receive_bytes, born)
            frames = self._growth((*key, "frames"), reading.frames, born)
            errors = self._growth((*key, "errors"), reading.error_frames, born)
            if sight in sources:
                broadcast.receive_bytes += received
                if reading.frames is not None:
                    broadcast.frames = (broadcast.frames or 0) + frames
                if reading.error_frames is not None:
                    broadcast.error_frames = (broadcast.error_frames or 0) + errors
            broadcast.transmit_bytes += self._growth((*key, "out"), reading.transmit_bytes, born)
            for client, (role, dropped) in reading.dropped.items():
                grown = self._growth((*key, "dropped", client), dropped)
                broadcast.dropped[role] = broadcast.dropped.get(role, 0) + grown

    def close(self, target: str) -> None:
        """Forget the counters of this target that were not followed since its last round."""
        self._memory.keep(target, self._followed)
        self._followed = set()

    def _growth(self, key: tuple[str, ...], raw: int | None, born: float | None = None) -> int:
        if raw is None:
            return 0
        self._followed.add(key)
        return self._memory.growth(key, raw, born)
