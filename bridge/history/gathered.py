"""Everything history knows of some scopes in a window, read with one query a kind, whatever the number of scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.database import Connection
from bridge.history import event_sums, series_sums, session_sums, uniques
from bridge.history.event_sums import EventSums
from bridge.history.scopes import is_stream
from bridge.history.selection import Selection
from bridge.history.series_sums import SeriesSums
from bridge.history.session_sums import SessionSums
from bridge.history.sessions import DIMENSIONS
from bridge.history.uniques import Uniques
from bridge.history.window import Window

Shares = Mapping[str, int]
"""Plays by key."""
SPLITS = tuple(name for name in DIMENSIONS if name not in ("total", "city"))


@dataclass(frozen=True, slots=True)
class Known:
    """A stream's title, whether it is live, and when it was on air in the window."""

    title: str
    live: bool = False
    started: datetime | None = None
    ended: datetime | None = None
    peak: int = 0
    """most concurrent viewers, as the session engine counted them at the end of each broadcast"""


@dataclass(slots=True)
class Gathered:
    """The numbers of one scope."""

    sessions: SessionSums = field(default_factory=SessionSums)
    series: SeriesSums = field(default_factory=SeriesSums)
    events: EventSums = field(default_factory=EventSums)
    uniques: Uniques = field(default_factory=Uniques)
    chatters: int = 0
    chat_peak: int = 0
    splits: dict[str, Shares] = field(default_factory=dict)
    known: Known = field(default_factory=lambda: Known(""))

    @property
    def peak_viewers(self) -> int:
        return round(max(self.series.viewers_peak, self.known.peak))


def gather(connection: Connection, selection: Selection, window: Window) -> dict[str, Gathered]:
    """All numbers of each scope. Under a filter only sessions are filtered, and some splits cannot be told."""
    scopes = selection.scopes
    found = {scope: Gathered() for scope in scopes}
    if not scopes:
        return found
    sessions, splits = session_sums.both(connection, selection, window, SPLITS)
    series = series_sums.totals(connection, scopes, window)
    events = event_sums.totals(connection, scopes, window)
    distinct = uniques.by_scope(connection, scopes, window)
    chatters = uniques.chatters(connection, scopes, window)
    streams = [scope for scope in scopes if is_stream(scope)]
    peaks = event_sums.chat_peaks(connection, streams, window)
    known = known_streams(connection, streams, window)
    for scope, one in found.items():
        one.sessions, one.series, one.events = sessions[scope], series[scope], events[scope]
        one.uniques, one.chatters, one.chat_peak = distinct[scope], chatters[scope], peaks.get(scope, 0)
        one.splits = dict(splits[scope])
        one.known = known.get(scope, Known(scope))
    return found


def known_streams(connection: Connection, streams: Sequence[str], window: Window) -> dict[str, Known]:
    """What the registry and the broadcasts of the window say of these streams."""
    rows = connection.execute(
        """SELECT recorded.stream, coalesce(streams.title, recorded.stream),
  coalesce(streams.status = 'live', recorded.last_at > now() - INTERVAL '3 minutes'),
  coalesce(aired.started, greatest(recorded.first_at, %(start)s)),
  coalesce(aired.ended, least(recorded.last_at, %(end)s)),
  coalesce(aired.peak, 0)
FROM recorded_streams recorded
LEFT JOIN streams ON streams.id = recorded.stream
LEFT JOIN LATERAL (
  SELECT min(started) AS started, max(ended) AS ended, max(peak_concurrent) AS peak FROM broadcasts
  WHERE broadcasts.stream = recorded.stream AND started < %(end)s AND ended > %(start)s AND started >= %(start)s
) aired ON true
WHERE recorded.stream = ANY(%(streams)s)""",
        {"streams": list(streams), "start": window.start, "end": window.end},
    ).fetchall()
    return {
        stream: Known(title, bool(live), started, ended, peak) for stream, title, live, started, ended, peak in rows
    }


def newest_streams(connection: Connection, selection: Selection, window: Window) -> list[str]:
    """The streams of a selection with sessions on the UTC days of the window, by the last of these and its plays."""
    where, parameters = _owned(selection, "stream")
    # A look at the last day of each stream, not through all its days.
    rows = connection.execute(
        f"""SELECT stream FROM recorded_streams CROSS JOIN LATERAL (
  SELECT day, plays FROM session_days
  WHERE scope = stream AND dimension = 'total' AND day BETWEEN %(first)s AND %(last)s ORDER BY day DESC LIMIT 1
) newest WHERE {_RECORDED} AND {where} ORDER BY day DESC, plays DESC, stream""".encode(),
        {**parameters, **_days(window)},
    ).fetchall()
    return [stream for (stream,) in rows]


def best_streams(connection: Connection, selection: Selection, window: Window, order: str, most: int) -> list[str]:
    """The streams of a selection with sessions on the UTC days of the window, in this order of their sums."""
    orders = {
        "viewers": "sum(plays)",
        "duration": "sum(watch_seconds)",
        "engagement": "sum(engaged)::float8 / greatest(sum(sessions), 1)",
    }
    where, parameters = _owned(selection, "scope")
    rows = connection.execute(
        f"""SELECT scope FROM session_days
WHERE dimension = 'total' AND day BETWEEN %(first)s AND %(last)s AND {where}
GROUP BY scope ORDER BY {orders[order]} DESC, sum(plays) DESC, scope LIMIT %(most)s""".encode(),
        {**parameters, **_days(window), "most": most},
    ).fetchall()
    return [scope for (scope,) in rows]


def streams_published(connection: Connection, selection: Selection, window: Window) -> int:
    """How many streams of a selection were published or watched in the window's days."""
    where, parameters = _owned(selection, "stream")
    # OFFSET 0 keeps each look a look: joined, the days of all streams would be read.
    row = connection.execute(
        f"""SELECT count(*) FROM recorded_streams recorded WHERE {_RECORDED} AND {where} AND (
EXISTS (SELECT FROM session_days WHERE scope = recorded.stream AND dimension = 'total'
  AND day BETWEEN %(first)s AND %(last)s OFFSET 0)
OR EXISTS (SELECT FROM stream_days days WHERE days.stream = recorded.stream
  AND at >= %(first)s AND at <= %(last)s OFFSET 0))""".encode(),
        {**parameters, **_days(window)},
    ).fetchone()
    return int(row[0]) if row else 0


_RECORDED = "first_at < %(after)s AND last_at >= %(first)s"


def _days(window: Window) -> dict[str, object]:
    """The UTC days that the window touches: ``first``, ``last``, and the one ``after``."""
    first, last = window.utc_days()
    return {"first": first, "last": last, "after": last + timedelta(days=1)}


def _owned(selection: Selection, column: str) -> tuple[str, dict[str, object]]:
    """The condition that a column is a stream of the selection."""
    if selection.is_streams:
        return f"{column} = ANY(%(streams)s)", {"streams": list(selection.scopes)}
    tenant = selection.scopes[0].removeprefix("@")
    if not tenant:
        return f"{column} NOT LIKE '@%%'", {}
    owned = "SELECT stream FROM recorded_streams WHERE tenant = %(owner)s"
    return f"{column} IN ({owned})", {"owner": tenant}
