"""History as files: CSV and JSON of every stream and UTC day, streamed, and a report as PDF."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.contract import finite
from bridge.database import Database
from bridge.history import shapes
from bridge.history.history import History
from bridge.history.selection import Selection
from bridge.history.window import Window

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}
CHUNK_ROWS = 1000
COLUMNS = (
    "date",
    "stream_id",
    "title",
    "views",
    "watch_seconds",
    "average_view_seconds",
    "peak_viewers",
    "hours_on_air",
    "buffering_events",
    "buffering_percent",
    "engagement_percent",
    "chat_messages",
    "followers",
    "revenue",
)
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class File:
    """A file to send: its name, and its bytes piece by piece."""

    name: str
    chunks: Iterable[bytes]


def export(database: Database, history: History, kind: str, selection: Selection, window: Window) -> File:
    """The file of this kind; its first rows are read now, so that a database that is away is an error, no torn file."""
    first, last = window.utc_days()
    name = f"analytics-{first}-{last}.{kind}"
    if kind == "pdf":
        from bridge.history.report import report  # loading its fonts takes a second, which no start should

        return File(name, [report(history, selection, window)])
    write = as_csv if kind == "csv" else as_json(window)
    return File(name, _begun(write(rows(database, selection, window))))


def rows(database: Database, selection: Selection, window: Window) -> Iterator[Sequence[Any]]:
    """Every stream and UTC day with sessions, in the order of COLUMNS, oldest first; read as they are asked for."""
    first, last = window.utc_days()
    where, owner = _streams(selection)
    parameters = {"first": first, "last": last, "owner": owner, **selection.filter.parameters()}
    with database.connection() as connection, connection.cursor("export") as cursor:
        cursor.itersize = CHUNK_ROWS
        cursor.execute(_query(selection, where).encode(), parameters)
        for day, stream, title, *numbers in cursor:
            yield (day.isoformat(), stream, title, *_measures(numbers))


def as_csv(found: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """RFC 4180; texts that a spreadsheet would take for a formula are quoted by an apostrophe."""
    yield _csv_lines([COLUMNS])
    for chunk in _chunks(found):
        yield _csv_lines([[_harmless(one) for one in row] for row in chunk])


def as_json(window: Window) -> Callable[[Iterable[Sequence[Any]]], Iterator[bytes]]:
    """An object with the period and all rows."""

    def write(found: Iterable[Sequence[Any]]) -> Iterator[bytes]:
        yield b'{"period":' + orjson.dumps(shapes.span(window)) + b',"rows":['
        separator = b""
        for chunk in _chunks(found):
            yield separator + b",".join(orjson.dumps(dict(zip(COLUMNS, row, strict=True))) for row in chunk)
            separator = b","
        yield b"]}"

    return write


def _query(selection: Selection, where: str) -> str:
    sums = "plays, watch_seconds, rebuffers, rebuffer_seconds, engaged, sessions"
    if selection.filter.is_empty:
        sessions = f"SELECT scope, day, {sums} FROM session_days WHERE dimension = 'total' AND {where}"
    else:
        totals = ", ".join(f"sum({name}) AS {name}" for name in sums.split(", "))
        condition = selection.filter.condition("country", "region", "device", "variant")
        sessions = f"SELECT scope, day, {totals} FROM session_slices WHERE {where} AND {condition} GROUP BY scope, day"
    return f"""
SELECT days.day, days.scope, coalesce(streams.title, days.scope), days.plays, days.watch_seconds, days.rebuffers,
  days.rebuffer_seconds, days.engaged, days.sessions, series.viewers_peak, series.publishing_seconds,
  events.chat, events.followers, events.revenue
FROM ({sessions}) days
LEFT JOIN streams ON streams.id = days.scope
LEFT JOIN LATERAL (
  SELECT viewers_peak, publishing_seconds FROM stream_days
  WHERE stream = days.scope AND at = days.day::timestamp AT TIME ZONE 'UTC'
) series ON true
LEFT JOIN LATERAL (
  SELECT sum(events) FILTER (WHERE event = 'chat_message') AS chat,
    sum(events) FILTER (WHERE event = 'follow') AS followers, sum(amount) AS revenue
  FROM event_days WHERE scope = days.scope AND event_days.day = days.day
) events ON true
ORDER BY days.day, days.scope"""


def _streams(selection: Selection) -> tuple[str, Any]:
    between = "day BETWEEN %(first)s AND %(last)s"
    if selection.is_streams:
        return f"{between} AND scope = ANY(%(owner)s)", list(selection.scopes)
    tenant = selection.scopes[0].removeprefix("@")
    if not tenant:
        return f"{between} AND scope NOT LIKE '@%%'", None
    return f"{between} AND scope IN (SELECT stream FROM recorded_streams WHERE tenant = %(owner)s)", tenant


def _measures(numbers: Sequence[Any]) -> list[float]:
    plays, watched, rebuffers, stalled, engaged, sessions, peak, aired, chat, followers, revenue = (
        float(one or 0) for one in numbers
    )
    return [
        finite(plays),
        finite(watched),
        finite(watched / plays) if plays else 0,
        finite(peak),
        finite(aired / 3600),
        finite(rebuffers),
        shapes.percent(stalled, stalled + watched),
        shapes.percent(engaged, sessions),
        finite(chat),
        finite(followers),
        finite(revenue, 2),
    ]


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_DANGEROUS) else value


def _csv_lines(lines: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _chunks(found: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    chunk: list[Sequence[Any]] = []
    for row in found:
        chunk.append(row)
        if len(chunk) >= CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _begun(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same chunks, of which the first is made now."""
    first, second = next(chunks, b""), next(chunks, b"")

    def all_of_them() -> Iterator[bytes]:
        yield first + second
        yield from chunks

    return all_of_them()
