"""The times of a source's records: how late they are counted, and how far its log has got."""

from __future__ import annotations

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

    def note(self, time_of_record: float, count: int = 1) -> bool:
        """Count records of one time; true when they are late."""
        now = self._now()
        delay = max(0.0, now - time_of_record)
        late = delay > self._late_seconds
        (self._late if late else self._ok).value += count
        self._delay.observe(delay, count)
        self._advance(time_of_record, now)
        return late

    def note_all(self, times: list[float]) -> bool:
        """Count records; true when any is late.

        Records within a second of each other count with one delay, the middle one's.
        """
        oldest, newest = min(times), max(times)
        if newest - oldest > 1.0:
            return any([self.note(one) for one in times])
        late = self.note((oldest + newest) / 2, len(times))
        self._advance(newest, self._now())
        return late

    def fold(self) -> None:
        self._delay.fold(self._held, 1)

    def _advance(self, newest: float, now: float) -> None:
        if self._watermark.value < newest < now + MAX_AHEAD_SECONDS:
            self._watermark.value = newest
