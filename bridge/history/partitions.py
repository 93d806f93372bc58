"""Partitions of the fact tables by week: made before rows need them, dropped when they are too old."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from psycopg import sql

from bridge.database import Connection

FACTS: Mapping[str, str] = MappingProxyType({"stream_minutes": "at", "sessions": "joined", "events": "at"})
"""The partitioned tables and the column of time of each."""
_PARTITION = re.compile(r"_w(\d{8})$")
WEEK = timedelta(days=7)


def week_of(moment: datetime) -> date:
    """The Monday on or before a moment, UTC."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def is_hypertable(connection: Connection, fact: str) -> bool:
    """Whether TimescaleDB keeps this table's partitions."""
    row = connection.execute("SELECT relkind FROM pg_class WHERE oid = %s::regclass", (fact,)).fetchone()
    return row is not None and row[0] in ("r", b"r")


def ensure(connection: Connection, fact: str, first: datetime, last: datetime) -> list[str]:
    """Make the missing partitions that rows from ``first`` to ``last`` need; gives the names of new ones."""
    if is_hypertable(connection, fact):
        return []
    made = []
    week = week_of(first)
    while week <= week_of(last):
        name = f"{fact}_w{week:%Y%m%d}"
        if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() == (None,):
            _make(connection, fact, name, week)
            made.append(name)
        week += WEEK
    return made


def _make(connection: Connection, fact: str, name: str, week: date) -> None:
    # Made apart and then attached: that does not lock readers of the whole table out.
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(
            sql.Identifier(name), sql.Identifier(fact)
        )
    )
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            sql.Identifier(fact), sql.Identifier(name), f"{week} 00:00+00", f"{week + WEEK} 00:00+00"
        )
    )


def partitions(connection: Connection, fact: str) -> Iterator[tuple[str, datetime]]:
    """Each native partition and the time before which all its rows are."""
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass ORDER BY 1", (fact,)
    ).fetchall()
    for (name,) in rows:
        match = _PARTITION.search(name)
        if match:
            yield name, datetime.strptime(match[1], "%Y%m%d").replace(tzinfo=UTC) + WEEK


def drop_before(connection: Connection, fact: str, limit: datetime) -> list[str]:
    """Drop the partitions whose rows are all older than ``limit``; gives their names."""
    if is_hypertable(connection, fact):
        rows = connection.execute("SELECT drop_chunks(%s::regclass, older_than => %s)", (fact, limit)).fetchall()
        return [str(name) for (name,) in rows]
    old = [name for name, end in partitions(connection, fact) if end <= limit]
    for name in old:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return old
