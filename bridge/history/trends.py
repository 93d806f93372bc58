"""Series by day: every local day of a window, with zeros where nothing happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from bridge import contract
from bridge.contract import finite, instant
from bridge.database import Connection
from bridge.history import event_sums, series_sums, session_sums, uniques
from bridge.history.event_sums import EventSums
from bridge.history.selection import Selection
from bridge.history.series_sums import SeriesSums
from bridge.history.session_sums import SessionSums
from bridge.history.shapes import percent
from bridge.history.window import Window


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of a selection. Distinct viewers are of the UTC day of the same date."""

    day: date
    begins: datetime
    sessions: SessionSums
    events: EventSums
    series: SeriesSums
    unique_viewers: int


def days(connection: Connection, selection: Selection, window: Window) -> list[Day]:
    """Every day of the window; a day that has not begun is left out."""
    sessions = session_sums.by_day(connection, selection, window)
    events = event_sums.by_day(connection, selection.scopes, window)
    series = series_sums.by_day(connection, selection.scopes, window)
    distinct = uniques.by_day(connection, selection.scopes, window)
    return [
        Day(
            day,
            datetime.combine(day, time(), window.zone).astimezone(UTC),
            sessions.get(day, SessionSums()),
            events.get(day, EventSums()),
            series.get(day, SeriesSums()),
            distinct.get(day, 0),
        )
        for day in window.local_days()
    ]


def trends(course: Sequence[Day]) -> contract.Trends:
    """The series of the contract, each point in both spellings that clients read."""
    return {
        "viewersTrend": [{"timestamp": _at(one), "value": one.sessions.plays} for one in course],
        "viewershipTrend": [
            {
                "date": one.day.isoformat(),
                "timestamp": _at(one),
                "value": one.sessions.plays,
                "viewers": one.sessions.plays,
                "uniqueViewers": one.unique_viewers,
            }
            for one in course
        ],
        "revenueTrend": [_revenue(one) for one in course],
        "followersTrend": [{"timestamp": _at(one), "value": one.events.event("follow").events} for one in course],
        "engagementTrend": [_engagement(one) for one in course],
    }


def _revenue(one: Day) -> contract.RevenuePoint:
    revenue = finite(one.events.revenue, 2)
    return {
        "date": one.day.isoformat(),
        "timestamp": _at(one),
        "value": revenue,
        "revenue": revenue,
        "donations": finite(one.events.event("donation").amount, 2),
    }


def _engagement(one: Day) -> contract.EngagementDay:
    rate = percent(one.sessions.engaged, one.sessions.sessions)
    return {
        "date": one.day.isoformat(),
        "timestamp": _at(one),
        "value": rate,
        "chatMessages": one.events.chat,
        "avgEngagement": rate,
    }


def _at(one: Day) -> str:
    return instant(one.begins.timestamp())
