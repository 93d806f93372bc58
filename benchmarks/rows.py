"""Rows into history: binary COPY into indexed, partitioned tables, and the recorder's whole way with roll-ups."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from benchmarks.table import Row
from bridge.database import Connection, connect
from bridge.history import minutes
from bridge.history.copying import copy_rows
from bridge.history.events import store_events
from bridge.history.ingest import SpoolIngest
from bridge.history.migrate import migrate
from bridge.history.partitions import ensure
from bridge.history.records import EVENT_COLUMNS, STAGED_EVENT_COLUMNS
from bridge.history.scopes import Tenants
from bridge.history.series import NAMES
from exporters.viewers.spool import SpoolWriter
from tests import servers

SERVER = ("shared_buffers=1GB", "max_wal_size=8GB", "jit=off")
START = datetime(2026, 11, 2, tzinfo=UTC)
STREAMS = 500
GOAL = "≥ 300,000"
MINUTES = "minutes, COPY into the indexed table"
PEER = "ten numbers with an integer key, COPY"
NUMBERS = {"at": "timestamptz", "stream": "int4", **{f"value{one}": "float8" for one in range(10)}}
"""The plainest table that has as many rows: what this machine can do at this moment."""
Write = Callable[[Connection, Sequence[tuple[Any, ...]]], None]


def run(quick: bool) -> list[Row]:
    """Measure in turn, several times over, and give medians of rows a second."""
    number, rounds = (20_000, 1) if quick else (300_000, 3)
    made = minute_rows(number)
    # In the order of the key, as the recorder stores them: neighbours share pages of the index.
    happened = sorted(row[: len(EVENT_COLUMNS)] for row in _events(number))
    staged = _events(number // 3)
    plain = [(row[1], number % STREAMS, *row[2:12]) for number, row in enumerate(made)]
    with _database() as (url, folder):
        speeds: dict[str, list[float]] = {}
        others: dict[str, list[float]] = {}
        for turn in range(rounds):
            for name, write in OTHER_WAYS.items():
                others.setdefault(name, []).append(_speed(url, made[: number // 6], write))
            for name, table, columns, rows in (
                (MINUTES, "stream_minutes", minutes.COLUMNS, made),
                ("events by key, COPY into the indexed table", "events", EVENT_COLUMNS, happened),
                (PEER, "numbers", NUMBERS, plain),
            ):

                def write(
                    connection: Connection, rows: Sequence[Any], table: str = table, columns: Any = columns
                ) -> None:
                    copy_rows(connection, table, columns, rows)

                speeds.setdefault(name, []).append(_speed(url, rows, write))
            speeds.setdefault("minutes, staged, merged and rolled up", []).append(_speed(url, made, _merge))
            speeds.setdefault("events, staged, stored once and rolled up", []).append(_speed(url, staged, store_events))
            name = "sessions, from spool files to roll-ups"
            speeds.setdefault(name, []).append(_spooled(url, folder / f"spool{turn}", number // 3))
    peer = statistics.median(speeds[PEER])
    goals = {MINUTES: GOAL, "events by key, COPY into the indexed table": GOAL}
    peers = {MINUTES: "".join(f"; {name} {statistics.median(found):,.0f}" for name, found in others.items())}
    return [
        Row(
            name,
            statistics.median(found),
            "rows/s",
            goals.get(name, ""),
            f"{statistics.median(found) / peer:.0%} of the plainest table{peers.get(name, '')}",
            f"best {max(found):,.0f}",
        )
        for name, found in speeds.items()
    ]


def _speed(url: str, rows: Sequence[tuple[Any, ...]], write: Write) -> float:
    with _emptied(url) as connection:
        begun = time.perf_counter()
        with connection.transaction():
            write(connection, rows)
        return len(rows) / (time.perf_counter() - begun)


def _copied_as_text(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    statement = sql.SQL("COPY stream_minutes ({}) FROM STDIN").format(_MINUTE_COLUMNS)
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _inserted(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    values = sql.SQL(", ").join(sql.Placeholder() * len(minutes.COLUMNS))
    statement = sql.SQL("INSERT INTO stream_minutes ({}) VALUES ({})").format(_MINUTE_COLUMNS, values)
    connection.cursor().executemany(statement, rows)


_MINUTE_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, minutes.COLUMNS))
OTHER_WAYS: dict[str, Write] = {"COPY as text": _copied_as_text, "executemany": _inserted}


def _merge(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    minutes.store_minutes(connection, rows, Tenants("default"))


def _spooled(url: str, folder: Path, number: int) -> float:
    writer = SpoolWriter(folder)
    for one in range(number):
        writer.write(session_record(one))
    writer.close()
    ingest = SpoolIngest([folder], timedelta(days=400), "USD", "default", now=lambda: START + timedelta(days=7))
    with _emptied(url) as connection:
        begun = time.perf_counter()
        while ingest.turn(connection):
            pass
        return number / (time.perf_counter() - begun)


@contextmanager
def _database() -> Iterator[tuple[str, Path]]:
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-rows-") as name,
        servers.postgres(Path(name), settings=SERVER) as url,
    ):
        migrate(url)
        with connect(url) as connection:
            columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in NUMBERS.items())
            connection.execute(f"CREATE TABLE numbers ({columns})".encode())
            connection.execute("CREATE INDEX ON numbers (stream, at DESC)")
            for fact in ("stream_minutes", "events", "sessions"):
                ensure(connection, fact, START, START + timedelta(days=13))
        yield url, Path(name)


@contextmanager
def _emptied(url: str) -> Iterator[Connection]:
    """A connection to the database without rows."""
    with connect(url) as connection:
        connection.autocommit = True
        connection.execute("SET client_min_messages = warning")
        connection.execute(
            "TRUNCATE numbers, stream_minutes, stream_hours, stream_days, events, event_minutes, event_quarters,"
            " event_days, chatter_days, chatter_months, sessions, session_quarters, session_days, session_months,"
            " session_slices, spool_files, clients, places"
        )
        yield connection


def minute_rows(number: int, streams: int = STREAMS) -> list[tuple[Any, ...]]:
    """Minutes in the order in which the recorder has them: by stream, then by time."""
    each = number // streams
    return [
        (f"stream-{stream:03d}", START + timedelta(minutes=minute), *(float(one + minute) for one in range(len(NAMES))))
        for stream in range(streams)
        for minute in range(each)
    ]


def _events(number: int) -> list[tuple[Any, ...]]:
    rows = [
        (
            f"stream-{one % STREAMS:03d}",
            START + timedelta(seconds=one * 0.3),
            f"{one:032x}",
            "chat_message",
            f"user-{one % 1000}",
            None,
            None,
            None,
            None,
            "",
            f"user-{one % 1000}",
            "default",
            0.0,
        )
        for one in range(number)
    ]
    assert len(rows[0]) == len(STAGED_EVENT_COLUMNS)
    return rows


def session_record(one: int, streams: int = 50, a_second: float = 5.0) -> dict[str, Any]:
    """An ended session as the engine spools it, the ``one``-th of so many a second."""
    joined = START.timestamp() + one / a_second
    return {
        "kind": "session",
        "session_id": f"{one:032x}",
        "stream": f"stream-{one % streams:03d}",
        "user_id": None,
        "address": "203.0.113.0",
        "user_agent": f"Mozilla/5.0 (X11; Linux x86_64) Firefox/{one % 60}",
        "device": ("desktop", "mobile", "tv")[one % 3],
        "os": "Linux",
        "browser": "Firefox",
        "country": ("DE", "FR", "US", "JP")[one % 4],
        "region": f"Region {one % 7}",
        "city": f"City {one % 40}",
        "joined": joined,
        "left": joined + 100,
        "watch_seconds": 90.25,
        "startup_seconds": 1.5,
        "rebuffer_seconds": 0.75,
        "rebuffers": 1,
        "variant": ("720p", "1080p")[one % 2],
        "rendition_seconds": {"720p": 90.25},
        "switches": 2,
        "errors": 0,
        "average_bytes_per_second": 250000.0,
        "live_latency_seconds": 6.5,
        "end_reason": "quit",
        "engagements": {},
        "chat_messages": 0,
        "played": True,
        "viewed": True,
    }
