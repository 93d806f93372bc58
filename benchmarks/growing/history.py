"""Sessions and minutes into a real PostgreSQL through the recorder's own parts: CPU of both sides and bytes kept."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.growing.probed import Found
from benchmarks.growing.scenario import RENDITIONS, STREAMS, VIEWERS, VISIT_SECONDS, countries
from benchmarks.processes import family_usage, started_for
from benchmarks.rows import SERVER, START, minute_rows, session_record
from bridge.database import Connection, connect
from bridge.history.ingest import SpoolIngest
from bridge.history.migrate import migrate
from bridge.history.minutes import store_minutes
from bridge.history.partitions import ensure
from bridge.history.scopes import Tenants
from exporters.viewers.spool import SpoolWriter
from tests import servers

FACTS = "sessions\\_w%"
ROLLUPS = "session\\_%"
MINUTES = "stream\\_minutes%"
DAY_SECONDS = 86400.0
SESSIONS_A_DAY = round(VIEWERS / STREAMS * DAY_SECONDS / VISIT_SECONDS)
"""Of one stream with an average audience around the clock"""


def pace(folder: Path, number: int) -> Found:
    """So many sessions of all streams as they end one after the other: CPU of the recorder and of PostgreSQL."""
    return _stored(folder, number, STREAMS, VIEWERS / VISIT_SECONDS)


def day(folder: Path, streams: int, sessions_a_day: int = SESSIONS_A_DAY) -> Found:
    """A whole day of so many streams: bytes that are kept."""
    number = streams * sessions_a_day
    return _stored(folder, number, streams, number / DAY_SECONDS)


def _stored(folder: Path, number: int, streams: int, a_second: float) -> Found:
    """Sessions from spool files to rows and roll-ups."""
    writer, chance = SpoolWriter(folder / "spool"), random.Random(5)
    for one, country in enumerate(countries(number)):
        writer.write(session_record(one, streams, a_second) | _place(country, chance))
    writer.close()
    kept, now = timedelta(days=400), START + timedelta(days=2)
    ingest = SpoolIngest([folder / "spool"], kept, "USD", "default", now=lambda: now)
    with servers.postgres(folder, settings=SERVER) as url:
        migrate(url)
        with connect(url) as connection:
            connection.autocommit = True
            ensure(connection, "sessions", START, START + timedelta(days=1))
            empty = _bytes(connection, FACTS)
            pid = started_for(url)
            stored, own, begun = family_usage(pid).cpu_seconds, time.process_time(), time.monotonic()
            while ingest.turn(connection):
                pass
            own, seconds = time.process_time() - own, time.monotonic() - begun
            stored = family_usage(pid).cpu_seconds - stored
            rows = _count(connection, "SELECT count(*) FROM sessions")
            if rows != number:
                raise RuntimeError(f"{rows} of {number} sessions were stored")
            connection.execute("VACUUM FULL")  # many rounds in no time leave no time for autovacuum
            return {
                "sessions": number,
                "streams": streams,
                "recorder_us": 1e6 * own / number,
                "database_us": 1e6 * stored / number,
                "sessions_per_second": number / seconds,
                "facts_mb": (_bytes(connection, FACTS) - empty) / 1e6,
                "rollups_mb": _bytes(connection, ROLLUPS) / 1e6,
            }


def _place(country: str, chance: random.Random) -> dict[str, str]:
    """Where and how a session was seen: eight regions and forty cities a country, four devices and renditions."""
    return {
        "country": country,
        "region": f"{country} region {chance.randrange(8)}",
        "city": f"{country} city {chance.randrange(40)}",
        "device": chance.choice(("desktop", "mobile", "mobile", "tablet", "tv")),
        "variant": chance.choice(RENDITIONS),
    }


def minutes(folder: Path, number: int, streams: int) -> Found:
    """An hour or so of minutes of every stream, as kept with their indexes."""
    with servers.postgres(folder, settings=SERVER) as url:
        migrate(url)
        with connect(url) as connection:
            rows = minute_rows(number, streams)
            store_minutes(connection, rows, Tenants("default"))
            connection.commit()
            return {"rows": len(rows), "minute_bytes": _bytes(connection, MINUTES) / len(rows)}


def _bytes(connection: Connection, like: str) -> int:
    """Bytes of the tables with such a name, with indexes."""
    return _count(
        connection,
        "SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relname LIKE %s",
        like,
    )


def _count(connection: Connection, query: str, *parameters: str) -> int:
    row = connection.execute(query.encode(), parameters).fetchone()
    return int(row[0]) if row else 0
