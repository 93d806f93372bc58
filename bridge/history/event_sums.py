"""Sums over app events in a window: engagement and revenue, by event and what tells it apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from bridge.database import Connection
from bridge.history.events import CHAT
from bridge.history.records import REVENUE
from bridge.history.stored import last_day
from bridge.history.window import DAY, Window

_SUMS = "sum(events) AS events, sum(amount) AS amount, max(top_amount) AS top_amount"


@dataclass(slots=True)
class EventSum:
    """How many, what they were worth together, and the most one was worth."""

    events: int = 0
    amount: float = 0.0
    top_amount: float = 0.0

    def add(self, other: EventSum) -> None:
        self.events += other.events
        self.amount += other.amount
        self.top_amount = max(self.top_amount, other.top_amount)


@dataclass(slots=True)
class EventSums:
    """Sums by (event, detail)."""

    of: dict[tuple[str, str], EventSum] = field(default_factory=dict)

    def add(self, key: tuple[str, str], one: EventSum) -> None:
        self.of.setdefault(key, EventSum()).add(one)

    def event(self, *names: str) -> EventSum:
        """The sum over these events, whatever their details."""
        whole = EventSum()
        for (event, _detail), one in self.of.items():
            if event in names:
                whole.add(one)
        return whole

    def details(self, event: str) -> dict[str, EventSum]:
        """An event's sums by detail."""
        return {detail: one for (name, detail), one in self.of.items() if name == event}

    @property
    def chat(self) -> int:
        return self.event(CHAT).events

    @property
    def revenue(self) -> float:
        return self.event(*REVENUE).amount


def totals(connection: Connection, scopes: Sequence[str], window: Window) -> dict[str, EventSums]:
    """Sums by scope."""
    first, last = window.whole(DAY)
    parameters: dict[str, Any] = {"scopes": list(scopes), "first": first.date(), "last": last.date()}
    parts = []
    if first < last:
        parts.append(
            "SELECT scope, event, detail, events, amount, top_amount FROM event_days "
            "WHERE scope = ANY(%(scopes)s) AND day >= %(first)s AND day < %(last)s"
        )
    for number, (start, end) in enumerate(window.ragged(DAY)):
        parts.append(
            "SELECT scope, event, detail, events, amount, top_amount FROM event_quarters "
            f"WHERE scope = ANY(%(scopes)s) AND at >= %(start_{number})s AND at < %(end_{number})s"
        )
        parameters |= {f"start_{number}": start, f"end_{number}": end}
    sql = f"SELECT scope, event, detail, {_SUMS} FROM ({' UNION ALL '.join(parts)}) parts GROUP BY 1, 2, 3"
    found = {scope: EventSums() for scope in scopes}
    for scope, event, detail, *sums in connection.execute(sql.encode(), parameters).fetchall():
        found[scope].add((event, detail), _sum(sums))
    return found


def by_day(connection: Connection, scopes: Sequence[str], window: Window) -> dict[date, EventSums]:
    """Sums by local day over all scopes."""
    if window.is_utc and not window.ragged(DAY):
        day, table, where = "day", "event_days", "day >= %(first)s AND day < %(last)s"
    else:
        day, table = "(at AT TIME ZONE %(zone)s)::date", "event_quarters"
        where = "at >= %(start)s AND at < %(end)s"
    sql = f"""SELECT {day} AS local_day, event, detail, {_SUMS} FROM {table}
WHERE scope = ANY(%(scopes)s) AND {where} GROUP BY 1, 2, 3"""
    parameters = {
        "scopes": list(scopes),
        "zone": window.zone.key,
        "start": window.start,
        "end": window.end,
        "first": window.start.date(),
        "last": window.end.date(),
    }
    found: dict[date, EventSums] = {}
    for local_day, event, detail, *sums in connection.execute(sql.encode(), parameters).fetchall():
        found.setdefault(local_day, EventSums()).add((event, detail), _sum(sums))
    return found


def minutes_of_chat(connection: Connection, stream: str, window: Window, step_seconds: int) -> dict[datetime, int]:
    """A stream's chat messages in steps of a whole number of minutes."""
    sql = """SELECT date_bin(make_interval(secs => %(step)s), at, TIMESTAMPTZ '2000-01-01'), sum(events)
FROM event_minutes WHERE stream = %(stream)s AND event = %(chat)s AND at >= %(start)s AND at < %(end)s GROUP BY 1"""
    parameters = {"stream": stream, "step": step_seconds, "chat": CHAT, "start": window.start, "end": window.end}
    return {at: int(events) for at, events in connection.execute(sql.encode(), parameters).fetchall()}


def chat_peaks(connection: Connection, streams: Sequence[str], window: Window) -> dict[str, int]:
    """Each stream's most chat messages in one minute of the UTC days of the window."""
    first, last = window.utc_days()
    sql = """SELECT scope, max(busiest_minute) FROM event_days
WHERE scope = ANY(%(streams)s) AND event = %(chat)s AND day BETWEEN %(first)s AND %(last)s GROUP BY 1"""
    parameters = {"streams": list(streams), "chat": CHAT, "first": first, "last": last}
    return {stream: int(peak) for stream, peak in connection.execute(sql.encode(), parameters).fetchall()}


def top_chatters(
    connection: Connection, streams: Sequence[str], window: Window, most: int = 10
) -> dict[str, list[tuple[str, str, int]]]:
    """Who chatted most in each stream on the UTC days of the window: (user id, name, messages)."""
    first, last = window.utc_days()
    begin, end = window.whole_months(last_day(connection, "event_days"))
    # By stream, so that the ten best are picked without sorting all; names are then looked up for those alone.
    sql = """SELECT wanted.stream, best.user_id, named.username, best.messages
FROM unnest(%(streams)s::text[]) AS wanted (stream)
CROSS JOIN LATERAL (
  SELECT user_id, sum(messages)::bigint AS messages FROM (
    SELECT user_id, messages FROM chatter_months
    WHERE stream = wanted.stream AND month >= %(begin)s AND month < %(end)s
    UNION ALL SELECT user_id, messages FROM chatter_days
    WHERE stream = wanted.stream AND day BETWEEN %(first)s AND %(last)s AND day < %(begin)s
    UNION ALL SELECT user_id, messages FROM chatter_days
    WHERE stream = wanted.stream AND day BETWEEN %(first)s AND %(last)s AND day >= %(end)s
  ) parts GROUP BY user_id ORDER BY 2 DESC, 1 LIMIT %(most)s
) best
CROSS JOIN LATERAL (
  SELECT username FROM chatter_months WHERE stream = wanted.stream AND user_id = best.user_id
  ORDER BY month DESC LIMIT 1
) named"""
    parameters = {"streams": list(streams), "first": first, "last": last, "begin": begin, "end": end, "most": most}
    found: dict[str, list[tuple[str, str, int]]] = {}
    for stream, user, name, messages in connection.execute(sql.encode(), parameters).fetchall():
        found.setdefault(stream, []).append((user, name, int(messages)))
    return found


def _sum(sums: Iterable[Any]) -> EventSum:
    events, amount, top = sums
    return EventSum(int(events or 0), float(amount or 0), float(top or 0))
