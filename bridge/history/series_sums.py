"""Sums over the recorded minutes of a window: days, hours at its edges, and minutes at the edges of those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from bridge.database import Connection
from bridge.history.minutes import DAY_FROM_HOURS, HOUR_FROM_MINUTES
from bridge.history.window import DAY, HOUR, QUARTER, Window

_OUTER = ", ".join(DAY_FROM_HOURS.values())
PEAK_ROWS = 400_000
"""Up to about how many minutes the peak of several streams is looked for minute by minute."""


@dataclass(slots=True)
class SeriesSums:
    """The measures of some minutes; seconds, bytes, counts, and sums of what is averaged with their numbers."""

    minutes: int = 0
    viewer_minutes: float = 0.0
    viewers_peak: float = 0.0
    mean_peak: float = 0.0
    publishing_seconds: float = 0.0
    stale_seconds: float = 0.0
    ingest_bytes: float = 0.0
    edge_bytes: float = 0.0
    edge_error_sum: float = 0.0
    edge_ttfb_sum: float = 0.0
    live_latency_sum: float = 0.0
    startup_sum: float = 0.0
    stall_sum: float = 0.0
    edge_error_minutes: int = 0
    edge_ttfb_minutes: int = 0
    live_latency_minutes: int = 0
    startup_minutes: int = 0
    stall_minutes: int = 0
    dropped_frames: float = 0.0
    reconnects: float = 0.0
    rebuffers: float = 0.0
    switches: float = 0.0

    def add(self, other: SeriesSums) -> None:
        """Add another scope's; peaks are of the larger, since peaks do not add up."""
        for one in fields(self):
            mine, its = getattr(self, one.name), getattr(other, one.name)
            setattr(self, one.name, max(mine, its) if one.name.endswith("_peak") else mine + its)

    def mean(self, name: str) -> float | None:
        """The mean of edge_error, edge_ttfb, live_latency, startup or stall; None where nothing was measured."""
        minutes = getattr(self, f"{name}_minutes")
        return getattr(self, f"{name}_sum") / minutes if minutes else None


def pieces(window: Window) -> list[tuple[str, datetime, datetime]]:
    """The window as (table, start, end): as coarse as possible, without overlap."""
    found = [("stream_days", *window.whole(DAY))]
    for start, end in window.ragged(DAY):
        edge = Window(start, end, window.zone)
        found.append(("stream_hours", *edge.whole(HOUR)))
        found += [("stream_minutes", *rest) for rest in edge.ragged(HOUR)]
    return [piece for piece in found if piece[1] < piece[2]]


def totals(connection: Connection, scopes: Sequence[str], window: Window) -> dict[str, SeriesSums]:
    """Sums by scope."""
    parameters: dict[str, Any] = {"scopes": list(scopes)}
    parts = []
    for number, (table, start, end) in enumerate(pieces(window)):
        parts.append(_piece(table, number))
        parameters |= {f"start_{number}": start, f"end_{number}": end}
    sql = f"SELECT stream, {_OUTER} FROM ({' UNION ALL '.join(parts)}) parts GROUP BY stream"
    rows = connection.execute(sql.encode(), parameters).fetchall()
    found = {row[0]: _sums(row[1:]) for row in rows}
    return {scope: found.get(scope, SeriesSums()) for scope in scopes}


def by_day(connection: Connection, scopes: Sequence[str], window: Window) -> dict[date, SeriesSums]:
    """Sums by local day over all scopes; of peaks the largest of one scope."""
    table = "stream_hours"
    if window.is_utc and not window.ragged(DAY):
        table = "stream_days"
    elif not window.has_whole_hours or window.ragged(HOUR):
        table = "stream_minutes"
    columns = HOUR_FROM_MINUTES if table == "stream_minutes" else DAY_FROM_HOURS
    sql = f"""SELECT (at AT TIME ZONE %(zone)s)::date, {", ".join(columns.values())} FROM {table}
WHERE stream = ANY(%(scopes)s) AND at >= %(start)s AND at < %(end)s GROUP BY 1"""
    parameters = {"scopes": list(scopes), "zone": window.zone.key, "start": window.start, "end": window.end}
    rows = connection.execute(sql.encode(), parameters).fetchall()
    return {row[0]: _sums(row[1:]) for row in rows}


def viewers_by_hour_of_day(
    connection: Connection, scopes: Sequence[str], window: Window
) -> dict[str, dict[int, float]]:
    """Mean viewers by hour of the local day, by scope, over the minutes on air."""
    sql = """SELECT stream, extract(hour FROM at AT TIME ZONE %(zone)s)::int, sum(viewer_minutes) / sum(minutes)
FROM stream_hours WHERE stream = ANY(%(scopes)s) AND at >= %(start)s AND at < %(end)s GROUP BY 1, 2"""
    parameters = {"scopes": list(scopes), "zone": window.zone.key, "start": window.start, "end": window.end}
    found: dict[str, dict[int, float]] = {}
    for stream, hour, viewers in connection.execute(sql.encode(), parameters).fetchall():
        found.setdefault(stream, {})[hour] = float(viewers)
    return found


def peak_of_sum(connection: Connection, scopes: Sequence[str], window: Window, sums: SeriesSums) -> float:
    """The most viewers that several streams had together in a minute; at least the largest peak of one of them.

    ``sums`` are those of all of them. Where there are too many minutes to look at one by one, the best hour's mean
    takes their place.
    """
    if len(scopes) < 2:
        return sums.viewers_peak
    table, viewers = (
        ("stream_minutes", "sum(viewers)")
        if sums.minutes <= PEAK_ROWS
        else ("stream_hours", "sum(viewer_minutes) / 60")
    )
    sql = f"""SELECT max(together) FROM (SELECT {viewers} AS together FROM {table}
WHERE stream = ANY(%(scopes)s) AND at >= %(start)s AND at < %(end)s GROUP BY at) moments"""
    parameters = {"scopes": list(scopes), "start": window.start, "end": window.end}
    row = connection.execute(sql.encode(), parameters).fetchone()
    return max(sums.viewers_peak, float(row[0] or 0) if row else 0.0)


@dataclass(frozen=True, slots=True)
class Course:
    """One step of a stream's course: its beginning, mean viewers, stalls and rendition changes begun."""

    at: datetime
    viewers: float
    rebuffers: float
    switches: float


def course(connection: Connection, stream: str, window: Window, step_seconds: int) -> list[Course]:
    """A stream's minutes in steps of a whole number of minutes, those on air only."""
    sql = """SELECT date_bin(make_interval(secs => %(step)s), at, TIMESTAMPTZ '2000-01-01') AS step,
coalesce(avg(viewers), 0), coalesce(sum(rebuffers), 0), coalesce(sum(switches), 0) FROM stream_minutes
WHERE stream = %(stream)s AND at >= %(start)s AND at < %(end)s GROUP BY 1 ORDER BY 1"""
    parameters = {"stream": stream, "step": step_seconds, "start": window.start, "end": window.end}
    return [Course(*row) for row in connection.execute(sql.encode(), parameters).fetchall()]


def drops(
    connection: Connection, windows: Mapping[str, Window], most: int = 5
) -> dict[str, list[tuple[datetime, float]]]:
    """Where each stream, in its own window, lost most viewers from one quarter of an hour to the next.

    Times with the percent lost, largest first.
    """
    sql = """SELECT wanted.stream, quarters.at, quarters.viewers
FROM unnest(%(streams)s::text[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS wanted (stream, start, until)
CROSS JOIN LATERAL (
  SELECT date_bin('15 minutes', at, TIMESTAMPTZ '2000-01-01') AS at, avg(viewers) AS viewers FROM stream_minutes
  WHERE stream = wanted.stream AND at >= wanted.start AND at < wanted.until GROUP BY 1
) quarters WHERE viewers IS NOT NULL ORDER BY 1, 2"""
    parameters = {
        "streams": list(windows),
        "starts": [window.start for window in windows.values()],
        "ends": [window.end for window in windows.values()],
    }
    found: dict[str, list[tuple[datetime, float]]] = {}
    rows = connection.execute(sql.encode(), parameters).fetchall()
    for (stream, before, had), (same, after, has) in pairwise(rows):
        if stream == same and after - before == QUARTER and had >= 1 and has < had:
            found.setdefault(stream, []).append((after, 100 * (had - has) / had))
    return {stream: sorted(lost, key=lambda drop: -drop[1])[:most] for stream, lost in found.items()}


def _piece(table: str, number: int) -> str:
    columns = HOUR_FROM_MINUTES if table == "stream_minutes" else DAY_FROM_HOURS
    sums = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    return f"""SELECT stream, {sums} FROM {table}
WHERE stream = ANY(%(scopes)s) AND at >= %(start_{number})s AND at < %(end_{number})s GROUP BY stream"""


def _sums(measures: Sequence[Any]) -> SeriesSums:
    names = list(DAY_FROM_HOURS)
    kinds = {one.name: float if isinstance(one.default, float) else int for one in fields(SeriesSums)}
    values: dict[str, Any] = {name: kinds[name](value or 0) for name, value in zip(names, measures, strict=True)}
    return SeriesSums(**values)
