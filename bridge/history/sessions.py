"""Ended sessions into the database: staged by COPY, stored once by their key, and added to the roll-ups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bridge.database import Connection
from bridge.history.copying import stage
from bridge.history.partitions import ensure
from bridge.history.records import SESSION_COLUMNS, STAGED_SESSION_COLUMNS
from bridge.history.scopes import recording

MEASURES: Mapping[str, str] = MappingProxyType(
    {
        "sessions": "count(*)",
        "plays": "count(*) FILTER (WHERE played)",
        "views": "count(*) FILTER (WHERE viewed)",
        "watch_seconds": "sum(watch_seconds)",
        "rebuffer_seconds": "sum(rebuffer_seconds)",
        "rebuffers": "sum(rebuffers)",
        "switches": "sum(switches)",
        "errors": "sum(errors)",
        "engaged": "count(*) FILTER (WHERE engaged)",
        "chatting": "count(*) FILTER (WHERE chat_messages > 0)",
        "following": "count(*) FILTER (WHERE following)",
        "subscribing": "count(*) FILTER (WHERE subscribing)",
        "startup_seconds": "coalesce(sum(startup_seconds::float8), 0)",
        "startups": "count(startup_seconds)",
        "latency_seconds": "coalesce(sum(live_latency_seconds::float8), 0)",
        "latencies": "count(live_latency_seconds)",
        "bytes": "coalesce(sum(bytes_per_second::float8 * watch_seconds), 0)",
        "byte_seconds": "coalesce(sum(watch_seconds) FILTER (WHERE bytes_per_second IS NOT NULL), 0)",
    }
)
"""The measures of every roll-up of sessions, and how each comes from staged rows."""
DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "total": "''",
        "country": "country",
        "region": "country || '/' || region",
        "city": "country || '/' || region || '/' || city",
        "device": "device",
        "browser": "browser",
        "os": "os",
        "variant": "variant",
    }
)
"""The dimensions of ``session_days`` and the key of each."""
SCOPES = ("stream", "'@' || tenant", "'@'")
QUARTER = "date_bin('15 minutes', joined, TIMESTAMPTZ '2000-01-01')"
_DAY = "(joined AT TIME ZONE 'UTC')::date"
_NAMES = ", ".join(MEASURES)


def store_sessions(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Store rows (in the order of STAGED_SESSION_COLUMNS) that are not there yet; gives their number.

    A row whose key is stored already is the same row, written again after a crash, and changes nothing.
    """
    unique = {row[:3]: row for row in rows}
    if not unique:
        return 0
    times = [row[1] for row in unique.values()]
    ensure(connection, "sessions", min(times), max(times))
    stage(connection, "staged_sessions", STAGED_SESSION_COLUMNS, unique.values())
    return store_staged(connection, len(unique))


def store_staged(connection: Connection, staged: int) -> int:
    """Store the ``staged`` rows of the temporary table staged_sessions that are not there yet; gives their number."""
    connection.execute("ANALYZE staged_sessions")
    known = connection.execute(_FORGET_KNOWN.encode()).rowcount
    fresh = staged - known
    if fresh:
        for statement in (_NEW_CLIENTS, _NEW_PLACES, _INSERT, _STREAMS, *rollups("staged_sessions")):
            connection.execute(statement.encode())
    return fresh


_FORGET_KNOWN = """
DELETE FROM staged_sessions staged USING sessions
WHERE sessions.stream = staged.stream AND sessions.joined = staged.joined AND sessions.session_id = staged.session_id"""
# Without the look before, each attempt would use up a number of the identity column.
_NEW_CLIENTS = """
INSERT INTO clients (device, os, browser, user_agent)
SELECT DISTINCT device, os, browser, user_agent FROM staged_sessions
EXCEPT SELECT device, os, browser, user_agent FROM clients
ON CONFLICT DO NOTHING"""
_NEW_PLACES = """
INSERT INTO places (country, region, city)
SELECT DISTINCT country, region, city FROM staged_sessions
EXCEPT SELECT country, region, city FROM places
ON CONFLICT DO NOTHING"""
_COLUMNS = ", ".join(SESSION_COLUMNS)
_INSERT = f"""
INSERT INTO sessions ({_COLUMNS}, client, place)
SELECT {", ".join(f"staged.{name}" for name in SESSION_COLUMNS)}, clients.id, places.id
FROM staged_sessions staged
JOIN clients USING (user_agent, device, os, browser)
JOIN places USING (country, region, city)
ORDER BY staged.stream, staged.joined"""


_STREAMS = recording("joined", "left_at", "staged_sessions")


def rollups(source: str) -> list[str]:
    """The statements that add a table of staged sessions to every roll-up."""
    slices = {"day": _DAY, **{name: name for name in ("device", "country", "region", "variant")}}
    statements = []
    for scope in SCOPES:
        statements.append(_add("session_quarters", ("at",), _sums(source, scope, {"at": QUARTER})))
        statements.append(_add("session_slices", tuple(slices), _sums(source, scope, slices)))
    by_dimension = " UNION ALL ".join(
        _sums(source, scope, {"day": _DAY, "dimension": f"'{dimension}'", "key": key})
        for scope in SCOPES
        for dimension, key in DIMENSIONS.items()
    )
    added = _add("session_days", ("day", "dimension", "key"), "SELECT * FROM days")
    return [*statements, f"WITH days AS ({by_dimension}), added AS ({added}) {_MONTHS}"]


_MONTHS = """
INSERT INTO session_months (scope, dimension, month, key, plays)
SELECT scope, dimension, date_trunc('month', day)::date, key, sum(plays) FROM days
WHERE dimension <> 'total' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (scope, dimension, month, key) DO UPDATE SET plays = session_months.plays + excluded.plays"""


def _sums(source: str, scope: str, keys: Mapping[str, str]) -> str:
    """The measures of a table by scope and keys."""
    # Constants cannot be grouped by, so keys are columns of a subquery first.
    columns = ", ".join([f"{scope} AS of_scope", *(f"{text} AS of_{name}" for name, text in keys.items())])
    groups = ", ".join(["of_scope", *(f"of_{name}" for name in keys)])
    named = ", ".join(["of_scope AS scope", *(f"of_{name} AS {name}" for name in keys)])
    measures = ", ".join(f"{text} AS {name}" for name, text in MEASURES.items())
    return f"SELECT {named}, {measures} FROM (SELECT *, {columns} FROM {source}) keyed GROUP BY {groups}"


def _add(table: str, keys: Sequence[str], sums: str) -> str:
    """Add sums to a roll-up."""
    names = ", ".join(("scope", *keys))
    added = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in MEASURES)
    return f"""
INSERT INTO {table} ({names}, {_NAMES})
SELECT {names}, {_NAMES} FROM ({sums}) sums ORDER BY {names}
ON CONFLICT ({names}) DO UPDATE SET {added}"""
