"""The times of a source's records: how late they are counted, and how far its log has got."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporters import metrics
from exporters.cdn.rows import Spread
from exporters.cdn.tables import DeliveryTables

Clock = Callable[[], float]
MAX_AHEAD_SECONDS = 300.0
"""a clock ahead by more must not hide a log that stands still"""


@dataclass(frozen=True, slots=True)
class SourceIdentity:
    """A log source: whose log, its own name, the share of requests that it logs, and when a record counts as late."""

    cdn: str
    name: str
    sampling_ratio: float = 1.0
    late_seconds: float = 3_600.0


class RecordTimes:
    """Counts records as read, on time or late, and keeps the newest time."""

    def __init__(self, identity: SourceIdentity, tables: DeliveryTables, now: Clock = time.time) -> None:
        self._now = now
        self._late_seconds: float = identity.late_seconds
        self._held = tables.delay.cell(identity.cdn)
        self._delay = Spread(metrics.DELAY_SECONDS)
        self._watermark = tables.watermark.cell(identity.cdn, identity.name)
        self._ok = tables.records.cell(identity.cdn, identity.name, "ok")
        self._late = tables.records.cell(identity.cdn, identity.name, "late")
        tables.records.cell(identity.cdn, identity.name, "parse_error")

    def note(self, time_of_record: float) -> bool:
        """Count a record; true when it is late."""
        return self._note(time_of_record, 1, self._now())

    def note_all(self, times: list[float]) -> float:
        """Count records; gives the time before which they are late.

        Records within a second of each other count with one delay, the middle one's.
        """
        oldest, newest = min(times), max(times)
        now = self._now()
        if newest - oldest > 1.0:
            for one in times:
                self._note(one, 1, now)
            return now - self._late_seconds
        late = self._note((oldest + newest) / 2, len(times), now)
        self._advance(newest, now)
        return math.inf if late else 0.0

    def fold(self) -> None:
        self._delay.fold(self._held, 1)

    def _note(self, time_of_record: float, count: int, now: float) -> bool:
        delay = max(0.0, now - time_of_record)
        late = delay > self._late_seconds
        (self._late if late else self._ok).value += count
        self._delay.observe(delay, count)
        self._advance(time_of_record, now)
        return late

    def _advance(self, newest: float, now: float) -> None:
        if self._watermark.value < newest < now + MAX_AHEAD_SECONDS:
            self._watermark.value = newest
