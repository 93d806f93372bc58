"""App events into the database: staged by COPY, stored once by their id, and added to the roll-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.database import Connection
from bridge.history.copying import stage
from bridge.history.partitions import ensure
from bridge.history.records import EVENT_COLUMNS, STAGED_EVENT_COLUMNS

CHAT = "chat_message"
SCOPES = ("stream", "'@' || tenant", "'@'")
_COLUMNS = ", ".join(EVENT_COLUMNS)


def store_events(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    """Store rows (in the order of STAGED_EVENT_COLUMNS) that are not there yet; gives their number."""
    unique = {row[:3]: row for row in rows}
    if not unique:
        return 0
    times = [row[1] for row in unique.values()]
    ensure(connection, "events", min(times), max(times))
    stage(connection, "staged_events", STAGED_EVENT_COLUMNS, unique.values())
    return store_staged(connection, len(unique))


def store_staged(connection: Connection, staged: int) -> int:
    """Store the ``staged`` rows of the temporary table staged_events that are not there yet; gives their number."""
    known = connection.execute(_FORGET_KNOWN).rowcount
    fresh = staged - known
    if fresh:
        connection.execute(
            f"INSERT INTO events ({_COLUMNS}) SELECT {_COLUMNS} FROM staged_events ORDER BY stream, at".encode()
        )
        for statement in rollups("staged_events"):
            connection.execute(statement.encode(), {"chat": CHAT})
    return fresh


_FORGET_KNOWN = """
DELETE FROM staged_events staged USING events
WHERE events.stream = staged.stream AND events.at = staged.at AND events.event_id = staged.event_id"""


def rollups(source: str) -> list[str]:
    """The statements that add a table of staged events to every roll-up; its parameter is ``chat``."""
    statements = [_minutes(source), _chatters(source, "day"), _chatters(source, "month")]
    for scope in SCOPES:
        statements.append(
            _sums(source, scope, "event_quarters", "at", "date_bin('15 minutes', at, TIMESTAMPTZ '2000-01-01')")
        )
        statements.append(_sums(source, scope, "event_days", "day", "(at AT TIME ZONE 'UTC')::date"))
    return [*statements, _busiest(source)]


def _minutes(source: str) -> str:
    return f"""
INSERT INTO event_minutes (stream, at, event, events)
SELECT stream, date_trunc('minute', at, 'UTC'), event, count(*) FROM {source} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (stream, at, event) DO UPDATE SET events = event_minutes.events + excluded.events"""


def _busiest(source: str) -> str:
    """After the minutes and the days: which minutes with chat of this batch are now the busiest of their day."""
    return f"""
UPDATE event_days SET busiest_minute = greatest(busiest_minute, touched.most) FROM (
  SELECT stream, (event_minutes.at AT TIME ZONE 'UTC')::date AS touched_day, max(events) AS most
  FROM (SELECT DISTINCT stream, date_trunc('minute', at, 'UTC') AS at FROM {source} WHERE event = %(chat)s) minutes
  JOIN event_minutes USING (stream, at) WHERE event_minutes.event = %(chat)s GROUP BY 1, 2
) touched
WHERE scope = touched.stream AND day = touched_day AND event = %(chat)s AND detail = ''"""


def _chatters(source: str, unit: str) -> str:
    return f"""
INSERT INTO chatter_{unit}s (stream, {unit}, user_id, username, messages)
SELECT stream, date_trunc('{unit}', at, 'UTC')::date, user_id, max(username), count(*)
FROM {source} WHERE event = %(chat)s AND user_id IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
ON CONFLICT (stream, {unit}, user_id)
DO UPDATE SET messages = chatter_{unit}s.messages + excluded.messages, username = excluded.username"""


def _sums(source: str, scope: str, table: str, time_column: str, bucket: str) -> str:
    return f"""
INSERT INTO {table} (scope, {time_column}, event, detail, events, amount, top_amount)
SELECT of_scope, bucket, event, detail, count(*), sum(worth), max(worth)
FROM (SELECT {scope} AS of_scope, {bucket} AS bucket, event, detail, worth FROM {source}) keyed
GROUP BY of_scope, bucket, event, detail ORDER BY of_scope, bucket, event, detail
ON CONFLICT (scope, {time_column}, event, detail) DO UPDATE SET events = {table}.events + excluded.events,
  amount = {table}.amount + excluded.amount, top_amount = greatest({table}.top_amount, excluded.top_amount)"""
