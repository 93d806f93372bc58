"""The bounds of the labels that logs can choose: streams, points of presence, countries."""

from __future__ import annotations

import time
from collections.abc import Callable

from exporters.cdn.records import SERVED
from exporters.cdn.tables import DeliveryTables
from exporters.labels import OTHER, BoundedLabel


class Guards:
    """Admits label values, and remembers when each stream was served last."""

    def __init__(
        self,
        tables: DeliveryTables,
        max_streams: int = 2_000,
        max_pops: int = 400,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        dropped = tables.dropped_series
        self.streams = BoundedLabel(max_streams, lambda: dropped.add(1, "streams"))
        self.pops = BoundedLabel(max_pops, lambda: dropped.add(1, "pops"))
        self.countries = BoundedLabel(250, lambda: dropped.add(1, "countries"))
        self.monotonic = monotonic
        self.last_seen: dict[str, float] = {}
        """stream → when a viewer was last served, by the monotonic clock"""

    def restore(self, name: str, value: str) -> None:
        """Admit a label value of a stored series again; streams beyond the bound stay until they are given up."""
        guard = {"stream": self.streams, "pop": self.pops, "country": self.countries}.get(name)
        if guard is None or value == OTHER:
            return
        if len(guard) < guard.limit:
            guard.admit(value)
        if guard is self.streams:
            self.last_seen[value] = self.monotonic()

    def stream(self, stream: str, code_class: str) -> str:
        """The label of a stream. Only a served request can make a new one, so that made-up paths cannot."""
        served = code_class in SERVED
        if not stream or not (served or stream in self.streams):
            return OTHER
        label = self.streams.admit(stream)
        if served and label is not OTHER:
            self.last_seen[label] = self.monotonic()
        return label
