"""Sums over sessions in a window: whole UTC days from roll-ups, what is left at the edges from the facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from bridge.database import Connection
from bridge.history.selection import Selection
from bridge.history.sessions import DIMENSIONS, MEASURES
from bridge.history.stored import last_day
from bridge.history.window import DAY, Window

FILTERED_DIMENSIONS = {
    "total": "''",
    "country": "country",
    "region": "country || '/' || region",
    "device": "device",
    "variant": "variant",
}
"""The dimensions that slices know: under a filter only these can be told."""
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in MEASURES)
_NAMES = ", ".join(MEASURES)
_FROM_FACTS = {
    **MEASURES,
    "engaged": "count(*) FILTER (WHERE engagements IS NOT NULL)",
    "following": "count(*) FILTER (WHERE engagements ? 'follow')",
    "subscribing": "count(*) FILTER (WHERE engagements ? 'subscription')",
}


@dataclass(slots=True)
class SessionSums:
    """The measures of some sessions; seconds, bytes and counts."""

    sessions: int = 0
    plays: int = 0
    views: int = 0
    watch_seconds: float = 0.0
    rebuffer_seconds: float = 0.0
    rebuffers: int = 0
    switches: int = 0
    errors: int = 0
    engaged: int = 0
    chatting: int = 0
    following: int = 0
    subscribing: int = 0
    startup_seconds: float = 0.0
    startups: int = 0
    latency_seconds: float = 0.0
    latencies: int = 0
    bytes: float = 0.0
    byte_seconds: float = 0.0

    def add(self, other: SessionSums) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


Plays = dict[str, dict[str, dict[str, int]]]
"""Plays by scope, dimension and key."""


def both(
    connection: Connection, selection: Selection, window: Window, dimensions: Iterable[str]
) -> tuple[dict[str, SessionSums], Plays]:
    """Sums by scope, and plays by the keys of some dimensions; those that a filter keeps from being told are empty."""
    wanted = list(dimensions)
    if selection.filter.is_empty:
        return totals(connection, selection, window), plays(connection, selection, window, wanted)
    told = ["total", *(one for one in wanted if one in FILTERED_DIMENSIONS)]
    parts = [_slices(selection), *(_edge_slices(selection, edge) for edge in range(len(window.ragged(DAY))))]
    reads = " UNION ALL ".join(
        f"SELECT scope, '{one}' AS dimension, {FILTERED_DIMENSIONS[one]} AS key, {_SUMS} FROM slices GROUP BY 1, 2, 3"
        for one in told
    )
    sql = f"WITH slices AS MATERIALIZED ({' UNION ALL '.join(parts)}) {reads}"
    sums = {scope: SessionSums() for scope in selection.scopes}
    found: Plays = {scope: {one: {} for one in wanted} for scope in selection.scopes}
    parameters = _parameters(selection, window, window.ragged(DAY))
    for scope, dimension, key, *measures in connection.execute(sql.encode(), parameters).fetchall():
        one = _sums(measures)
        if dimension == "total":
            sums[scope] = one
        elif one.plays:
            found[scope][dimension][key] = one.plays
    return sums, found


def plays(connection: Connection, selection: Selection, window: Window, dimensions: Iterable[str]) -> Plays:
    """Plays by the keys of some dimensions; those that a filter keeps from being told are empty."""
    wanted = list(dimensions)
    if not selection.filter.is_empty:
        return both(connection, selection, window, wanted)[1]
    found: Plays = {scope: {one: {} for one in wanted} for scope in selection.scopes}
    edges = window.ragged(DAY)
    parts = [_DAYS_PLAYS, *(_edge_plays(selection, one, edge) for one in wanted for edge in range(len(edges)))]
    sql = f"SELECT scope, dimension, key, sum(plays) FROM ({' UNION ALL '.join(parts)}) parts GROUP BY 1, 2, 3"
    begin, end = window.whole_months(last_day(connection, "session_days", "dimension = 'total'"))
    parameters = {
        **_parameters(selection, window, edges),
        "dimensions": wanted,
        "begin_month": begin,
        "end_month": end,
    }
    for scope, dimension, key, number in connection.execute(sql.encode(), parameters).fetchall():
        if number:
            found[scope][dimension][key] = int(number)
    return found


def totals(connection: Connection, selection: Selection, window: Window) -> dict[str, SessionSums]:
    """Sums by scope."""
    if not selection.filter.is_empty:
        return both(connection, selection, window, ())[0]
    edges = window.ragged(DAY)
    parts = [_DAYS_TOTAL, *(_quarters(edge) for edge in range(len(edges)))]
    sql = f"SELECT scope, {_SUMS} FROM ({' UNION ALL '.join(parts)}) parts GROUP BY scope"
    rows = connection.execute(sql.encode(), _parameters(selection, window, edges)).fetchall()
    found = {row[0]: _sums(row[1:]) for row in rows}
    return {scope: found.get(scope, SessionSums()) for scope in selection.scopes}


def by_day(connection: Connection, selection: Selection, window: Window) -> dict[date, SessionSums]:
    """Sums by local day over all scopes; under a filter by UTC day."""
    parameters = _parameters(selection, window, ())
    if not selection.filter.is_empty:
        sql = f"""SELECT '' AS scope, day, {_SUMS} FROM session_slices
WHERE scope = ANY(%(scopes)s) AND day BETWEEN %(touched_first)s AND %(touched_last)s
AND {_slice_condition(selection)} GROUP BY day"""
    elif window.is_utc and not window.ragged(DAY):
        sql = f"""SELECT '' AS scope, day, {_SUMS} FROM session_days
WHERE scope = ANY(%(scopes)s) AND dimension = 'total' AND day >= %(first_day)s AND day < %(last_day)s GROUP BY day"""
    else:
        sql = f"""SELECT '' AS scope, (at AT TIME ZONE %(zone)s)::date AS day, {_SUMS} FROM session_quarters
WHERE scope = ANY(%(scopes)s) AND at >= %(start)s AND at < %(end)s GROUP BY 2"""
    rows = connection.execute(sql.encode(), parameters).fetchall()
    return {row[1]: _sums(row[2:]) for row in rows}


_DAYS_TOTAL = f"""SELECT scope, {_NAMES} FROM session_days
WHERE scope = ANY(%(scopes)s) AND dimension = 'total' AND day >= %(first_day)s AND day < %(last_day)s"""
_OF_DIMENSIONS = "scope = ANY(%(scopes)s) AND dimension = ANY(%(dimensions)s)"
_DAYS_PLAYS = f"""SELECT scope, dimension, key, plays FROM session_months
WHERE {_OF_DIMENSIONS} AND month >= %(begin_month)s AND month < %(end_month)s
UNION ALL SELECT scope, dimension, key, plays FROM session_days
WHERE {_OF_DIMENSIONS} AND day >= %(first_day)s AND day < least(%(begin_month)s, %(last_day)s)
UNION ALL SELECT scope, dimension, key, plays FROM session_days
WHERE {_OF_DIMENSIONS} AND day >= %(end_month)s AND day < %(last_day)s"""


def _quarters(edge: int) -> str:
    return f"""SELECT scope, {_NAMES} FROM session_quarters
WHERE scope = ANY(%(scopes)s) AND at >= %(edge_start_{edge})s AND at < %(edge_end_{edge})s"""


def _slices(selection: Selection) -> str:
    """Whole days; added up over the days, so that each dimension then reads few rows."""
    return f"""SELECT scope, country, region, device, variant, {_SUMS} FROM session_slices
WHERE scope = ANY(%(scopes)s) AND day >= %(first_day)s AND day < %(last_day)s AND {_slice_condition(selection)}
GROUP BY 1, 2, 3, 4, 5"""


def _edge_slices(selection: Selection, edge: int) -> str:
    measures = ", ".join(f"{text} AS {name}" for name, text in _FROM_FACTS.items())
    return f"""SELECT {_scope(selection)} AS scope, country, region, device, variant, {measures}
{_from_edge(selection, edge)} AND {_slice_condition(selection)} GROUP BY 1, 2, 3, 4, 5"""


def _edge_plays(selection: Selection, dimension: str, edge: int) -> str:
    return f"""SELECT {_scope(selection)} AS scope, '{dimension}' AS dimension, {DIMENSIONS[dimension]} AS key,
count(*) FILTER (WHERE played) AS plays {_from_edge(selection, edge)} GROUP BY 1, 2, 3"""


def _scope(selection: Selection) -> str:
    return "stream" if selection.is_streams else "%(only)s::text"


def _from_edge(selection: Selection, edge: int) -> str:
    """The sessions of one edge. They are found by stream, so a wider scope is its streams of that day."""
    streams = "%(scopes)s" if selection.is_streams else f"({_streams_of_edge(selection, edge)})::text[]"
    return f"""FROM sessions JOIN clients ON clients.id = client JOIN places ON places.id = place
WHERE stream = ANY({streams}) AND joined >= %(edge_start_{edge})s AND joined < %(edge_end_{edge})s"""


def _streams_of_edge(selection: Selection, number: int) -> str:
    owned = (
        ""
        if _only(selection) == "@"
        else " AND scope IN (SELECT stream FROM recorded_streams WHERE tenant = %(tenant)s)"
    )
    return f"""SELECT coalesce(array_agg(DISTINCT scope), '{{}}') FROM session_days
WHERE dimension = 'total' AND scope NOT LIKE '@%%'{owned}
AND day BETWEEN (%(edge_start_{number})s AT TIME ZONE 'UTC')::date
AND (%(edge_end_{number})s AT TIME ZONE 'UTC')::date"""


def _only(selection: Selection) -> str:
    """The one wide scope of a selection that is no streams."""
    (scope,) = selection.scopes
    return scope


def _slice_condition(selection: Selection) -> str:
    return selection.filter.condition("country", "region", "device", "variant")


def _parameters(selection: Selection, window: Window, edges: Sequence[tuple[datetime, datetime]]) -> dict[str, Any]:
    first, last = window.whole(DAY)
    touched_first, touched_last = window.utc_days()
    parameters: dict[str, Any] = {
        "scopes": list(selection.scopes),
        "only": selection.scopes[0] if selection.scopes else "",
        "tenant": selection.scopes[0].removeprefix("@") if selection.scopes else "",
        "start": window.start,
        "end": window.end,
        "zone": window.zone.key,
        "first_day": first.date(),
        "last_day": last.date() if first < last else first.date(),
        "touched_first": touched_first,
        "touched_last": touched_last,
        **selection.filter.parameters(),
    }
    for number, (start, end) in enumerate(edges):
        parameters |= {f"edge_start_{number}": start, f"edge_end_{number}": end}
    return parameters


def _sums(measures: Sequence[Any]) -> SessionSums:
    values: dict[str, Any] = {
        one.name: (float if isinstance(one.default, float) else int)(value or 0)
        for one, value in zip(fields(SessionSums), measures, strict=True)
    }
    return SessionSums(**values)
