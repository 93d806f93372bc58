"""The stretch of time that an answer speaks of, in a time zone, and how it is cut into the roll-ups' pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Period = Literal["today", "week", "month", "year"]
PERIOD_DAYS: dict[str, int] = {"today": 1, "week": 7, "month": 30, "year": 365}
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def floor(moment: datetime, step: timedelta) -> datetime:
    """The last whole ``step`` of UTC at or before a moment."""
    epoch = datetime(2000, 1, 1, tzinfo=UTC)
    return moment - (moment - epoch) % step


def ceil(moment: datetime, step: timedelta) -> datetime:
    """The first whole ``step`` of UTC at or after a moment."""
    down = floor(moment, step)
    return down if down == moment else down + step


def month_after(day: date) -> date:
    """The first day of the next month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` up to, not with, ``end`` (UTC, whole quarters of an hour), with days as in ``zone``."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    @classmethod
    def of(cls, start: datetime, end: datetime, zone: ZoneInfo) -> Window:
        """The window that holds these instants: widened to whole quarters of an hour."""
        return cls(floor(start.astimezone(UTC), QUARTER), ceil(end.astimezone(UTC), QUARTER), zone)

    @classmethod
    def period(cls, name: str, now: datetime, zone: ZoneInfo) -> Window:
        """The last days with today, in the zone: today, week (7), month (30), year (365)."""
        return cls.last_days(PERIOD_DAYS[name], now, zone)

    @classmethod
    def last_days(cls, days: int, now: datetime, zone: ZoneInfo) -> Window:
        """The last ``days`` local days with today; it ends with the running day, of which nothing is to come yet."""
        today = now.astimezone(zone).date()
        return cls.of(_midnight(today - timedelta(days=days - 1), zone), _midnight(today + DAY, zone), zone)

    @classmethod
    def calendar(cls, period: str, now: datetime, zone: ZoneInfo) -> Window:
        """The running calendar day, week (from Monday), month or year."""
        today = now.astimezone(zone).date()
        first = {
            "today": today,
            "week": today - timedelta(days=today.weekday()),
            "month": today.replace(day=1),
            "year": today.replace(month=1, day=1),
        }[period]
        return cls.of(_midnight(first, zone), _midnight(today + DAY, zone), zone)

    def previous(self) -> Window:
        """The window of the same length before this one."""
        return Window(self.start - (self.end - self.start), self.start, self.zone)

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def is_utc(self) -> bool:
        """Whether the zone's days are UTC days in this window."""
        return all(moment.astimezone(self.zone).utcoffset() == timedelta() for moment in self._samples())

    @property
    def has_whole_hours(self) -> bool:
        """Whether the zone's midnights are at whole UTC hours in this window."""
        offsets = (moment.astimezone(self.zone).utcoffset() or timedelta() for moment in self._samples())
        return all(offset % HOUR == timedelta() for offset in offsets)

    def whole(self, step: timedelta) -> tuple[datetime, datetime]:
        """The largest part that consists of whole steps; empty (start = end) where there is none."""
        first, last = ceil(self.start, step), floor(self.end, step)
        return (first, last) if first < last else (self.end, self.end)

    def ragged(self, step: timedelta) -> list[tuple[datetime, datetime]]:
        """What is left of the window before and after its whole steps."""
        first, last = self.whole(step)
        return [piece for piece in ((self.start, first), (last, self.end)) if piece[0] < piece[1]]

    def whole_months(self, stored: date = date.max) -> tuple[date, date]:
        """The UTC months that lie in the window whole: from the first of one up to, not with, the first of another.

        With nothing ``stored`` after the window's last whole day, the month of that day is whole, too.
        """
        first, last = self.whole(DAY)
        begin = first.date() if first.day == 1 else month_after(first.date())
        end = month_after((last - DAY).date()) if stored < last.date() else last.date().replace(day=1)
        return (begin, end) if begin < end else (last.date(), last.date())

    def utc_days(self) -> tuple[date, date]:
        """The UTC days that the window touches: the first, and the last with."""
        return self.start.date(), (self.end - timedelta(microseconds=1)).date()

    def local_days(self) -> Iterator[date]:
        """Every day of the zone that the window touches."""
        day = self.start.astimezone(self.zone).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(self.zone).date()
        while day <= last:
            yield day
            day += DAY

    def _samples(self) -> Iterator[datetime]:
        """Moments between which the zone's offset does not change unnoticed."""
        moment = self.start
        while moment < self.end:
            yield moment
            moment += timedelta(days=7)
        yield self.end


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
