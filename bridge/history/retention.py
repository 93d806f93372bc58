"""Retention and privacy: what is old is dropped, and what a person left is deleted when they ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.database import Connection
from bridge.history.partitions import FACTS, drop_before

PRUNE_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each kind of row is kept."""

    minutes: timedelta = timedelta(days=400)
    sessions: timedelta = timedelta(days=400)
    events: timedelta = timedelta(days=400)
    rollups: timedelta = timedelta(days=1900)

    def of(self, fact: str) -> timedelta:
        return {"stream_minutes": self.minutes, "sessions": self.sessions, "events": self.events}[fact]


_OLD_ROLLUPS = {
    "session_quarters": "at",
    "session_days": "day",
    "session_slices": "day",
    "session_months": "month",
    "event_quarters": "at",
    "event_days": "day",
    "sketches": "day",
    "broadcasts": "started",
    "stream_hours": "at",
    "stream_days": "at",
}


def prune(connection: Connection, keep: Keep, now: datetime) -> dict[str, int]:
    """Drop what is too old; gives the number of partitions (facts) or rows (roll-ups) dropped, by table.

    Facts go in whole weeks, when their last row is too old. Who chatted goes with the events it was counted from.
    """
    dropped = {}
    for fact in FACTS:
        with connection.transaction():
            dropped[fact] = len(drop_before(connection, fact, now - keep.of(fact)))
    limit = now - keep.rollups
    for table, column in _OLD_ROLLUPS.items():
        dropped[table] = _delete(connection, table, column, limit)
    for table, column in (("chatter_days", "day"), ("chatter_months", "month"), ("event_minutes", "at")):
        dropped[table] = _delete(connection, table, column, now - keep.events)
    dropped["spool_files"] = _delete(connection, "spool_files", "stored_at", now - timedelta(days=30))
    return dropped


def _delete(connection: Connection, table: str, column: str, limit: datetime) -> int:
    kind = connection.execute("SELECT relkind FROM pg_class WHERE oid = %s::regclass", (table,)).fetchone()
    if kind is None or kind[0] not in ("r", b"r"):  # a continuous aggregate has its own policy
        return 0
    return connection.execute(f"DELETE FROM {table} WHERE {column} < %s".encode(), (limit,)).rowcount


_COUNT_FORGOTTEN = """
UPDATE session_quarters SET forgotten = forgotten + gone.sessions
FROM (SELECT stream, date_bin('15 minutes', joined, TIMESTAMPTZ '2000-01-01') AS quarter, count(*) AS sessions
  FROM sessions WHERE user_id = %(user)s GROUP BY 1, 2) gone
WHERE scope = gone.stream AND at = gone.quarter"""


def forget_user(connection: Connection, user_id: str) -> dict[str, int]:
    """Delete every row that holds this user's id, in one transaction; gives the number of rows by table.

    Sums and sketches stay: they are counts, in which nobody can be found again.
    """
    with connection.transaction():
        connection.execute(_COUNT_FORGOTTEN, {"user": user_id})
        return {
            table: connection.execute(f"DELETE FROM {table} WHERE user_id = %s".encode(), (user_id,)).rowcount
            for table in ("sessions", "events", "chatter_days", "chatter_months")
        }


class Pruning:
    """Prunes once an hour, as a task of the recorder."""

    def __init__(
        self,
        keep: Keep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._keep = keep
        self._clock = clock
        self._now = now
        self._due = 0.0

    def turn(self, connection: Connection) -> bool:
        if self._clock() >= self._due:
            self._due = self._clock() + PRUNE_SECONDS
            prune(connection, self._keep, self._now())
        return False
