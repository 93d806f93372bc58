"""Rows: what requests that are alike have in common, and their sums until these are folded into the tables."""

from __future__ import annotations

from exporters.cdn.held import HeldCell, HeldHistogram
from exporters.cdn.paths import Target
from exporters.cdn.records import Facts


class Spread:
    """How values spread over the buckets of a histogram series."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        bucket = 0
        for bound in self._bounds:  # most values are in the first buckets, where halving would not be faster
            if value <= bound:
                break
            bucket += 1
        self.counts[bucket] += times
        self.sum += value * times

    def fold(self, held: HeldHistogram, weight: float) -> None:
        """Add what has been observed to the series, each value as often as it stands for, and begin anew."""
        for bucket, count in enumerate(self.counts):
            if count:
                held.counts[bucket] += count * weight
                self.counts[bucket] = 0
        held.sum += self.sum * weight
        self.sum = 0.0


class DeliveryRow:
    """Requests of one stream for one kind of resource, answered alike."""

    __slots__ = (
        *("stream", "kind", "code_class", "cache", "duration", "first_byte", "count", "bytes", "request_bytes", "slow"),
        *("first_byte_count", "first_byte_seconds", "label", "requests", "sent", "received", "also"),
    )

    def __init__(self, target: Target, facts: Facts, duration: Spread, first_byte: Spread) -> None:
        self.stream = target.stream
        self.kind = target.kind
        self.code_class = facts.code_class
        self.cache = facts.cache
        self.duration = duration
        self.first_byte = first_byte
        self.label = ""
        """the stream's label when the row was folded last; its series are those below"""
        self.requests: HeldCell
        self.sent: HeldCell
        self.received: HeldCell
        self.also: tuple[HeldCell, ...]
        """further series that each request is counted in"""
        self.count = 0
        self.bytes = 0
        self.request_bytes = 0
        self.slow = 0
        self.first_byte_count = 0
        self.first_byte_seconds = 0.0

    def clear(self) -> None:
        self.count = self.bytes = self.request_bytes = self.slow = self.first_byte_count = 0
        self.first_byte_seconds = 0.0


class FactsRow:
    """Requests that have all facts in common, whatever they asked for."""

    __slots__ = ("bytes", "count", "counted", "sized")

    def __init__(self, counted: tuple[HeldCell, ...], sized: tuple[HeldCell, ...]) -> None:
        self.counted = counted
        self.sized = sized
        self.count = 0
        self.bytes = 0

    def fold(self, weight: float) -> None:
        for cell in self.counted:
            cell.value += self.count * weight
        for cell in self.sized:
            cell.value += self.bytes * weight
        self.count = self.bytes = 0


class TargetRows:
    """One target, and the rows of its stream and kind of resource by how requests were answered."""

    __slots__ = ("rows", "target", "wanted")

    def __init__(self, target: Target, wanted: bool, rows: dict[str, DeliveryRow]) -> None:
        self.target = target
        self.wanted = wanted
        """whether the session engine wants to hear of such requests"""
        self.rows = rows
        """shared by the stream's renditions"""
