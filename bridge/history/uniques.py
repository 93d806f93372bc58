"""Distinct viewers and chat participants in a window, from stored sketches of UTC days and months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bridge.database import Connection
from bridge.history import sketches
from bridge.history.stored import last_day
from bridge.history.window import Window, month_after

LOOK_BACK_DAYS = 30
"""How far before a window a viewer must have been seen to be one that returns."""

Sketches = dict[str, list[bytes]]
"""Sketches by scope."""


@dataclass(frozen=True, slots=True)
class Uniques:
    """How many distinct viewers a window had, and how many of them had been there in the days before it."""

    viewers: int = 0
    returning: int = 0


def levels(first: date, last: date, stored: date = date.max) -> tuple[list[date], list[date]]:
    """The whole months from ``first`` to ``last`` (with), and the days left over, by the first day of each.

    With nothing ``stored`` after ``last``, its month is whole, too.
    """
    months, days = [], []
    day = first
    while day <= last:
        following = month_after(day)
        if day.day == 1 and (following - timedelta(days=1) <= last or stored <= last):
            months.append(day)
            day = following
        else:
            days.append(day)
            day += timedelta(days=1)
    return months, days


def read(
    connection: Connection, scopes: Sequence[str], kind: str, months: Sequence[date], days: Sequence[date]
) -> list[tuple[str, date, bytes]]:
    """The sketches of some months and days: scope, first day, sketch."""
    return connection.execute(
        "SELECT scope, day, sketch FROM sketches"
        " WHERE scope = ANY(%s) AND kind = %s AND level = 'month' AND day = ANY(%s)"
        " UNION ALL SELECT scope, day, sketch FROM sketches"
        " WHERE scope = ANY(%s) AND kind = %s AND level = 'day' AND day = ANY(%s)",
        (list(scopes), kind, list(months), list(scopes), kind, list(days)),
    ).fetchall()


def stored_levels(connection: Connection, kind: str, window: Window) -> tuple[list[date], list[date]]:
    """The months and days of the window, as few as what is stored allows."""
    stored = last_day(connection, "sketches", f"kind = '{kind}' AND level = 'day'")
    return levels(*window.utc_days(), stored)


def by_scope(connection: Connection, scopes: Sequence[str], window: Window) -> dict[str, Uniques]:
    """Distinct and returning viewers of each scope."""
    now, before = _now_and_before(connection, scopes, window)
    return {scope: _uniques(now.get(scope, []), before.get(scope, [])) for scope in scopes}


def together(connection: Connection, scopes: Sequence[str], window: Window) -> Uniques:
    """Distinct and returning viewers of all scopes together: one who watched two streams counts once."""
    now, before = _now_and_before(connection, scopes, window)
    return _uniques([one for some in now.values() for one in some], [one for some in before.values() for one in some])


def chatters(connection: Connection, scopes: Sequence[str], window: Window) -> dict[str, int]:
    """Distinct chat participants of each scope."""
    found: Sketches = {}
    for scope, _day, sketch in read(connection, scopes, "chat", *stored_levels(connection, "chat", window)):
        found.setdefault(scope, []).append(sketch)
    return {scope: sketches.estimate(found.get(scope, [])) for scope in scopes}


def by_day(connection: Connection, scopes: Sequence[str], window: Window) -> dict[date, int]:
    """Distinct viewers of all scopes together, by UTC day."""
    first, last = window.utc_days()
    every_day = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    days: dict[date, list[bytes]] = {}
    for _scope, day, sketch in read(connection, scopes, "viewers", [], every_day):
        days.setdefault(day, []).append(sketch)
    return {day: sketches.estimate(some) for day, some in days.items()}


def _now_and_before(connection: Connection, scopes: Sequence[str], window: Window) -> tuple[Sketches, Sketches]:
    first, _last = window.utc_days()
    months, days = stored_levels(connection, "viewers", window)
    months_before, days_before = levels(first - timedelta(days=LOOK_BACK_DAYS), first - timedelta(days=1))
    now: Sketches = {}
    before: Sketches = {}
    for scope, day, sketch in read(connection, scopes, "viewers", months + months_before, days + days_before):
        (now if day >= first else before).setdefault(scope, []).append(sketch)
    return now, before


def _uniques(now: Sequence[bytes], before: Sequence[bytes]) -> Uniques:
    """Who was there both now and before: by inclusion and exclusion."""
    union = sketches.merge(now)
    viewers = sketches.count(union)
    if not before or not now:
        return Uniques(viewers, 0)
    earlier = sketches.merge(before)
    both = viewers + sketches.count(earlier) - sketches.count(sketches.join(union, earlier))
    return Uniques(viewers, min(viewers, max(0, both)))
