"""Up to which UTC day a roll-up by days has rows: a month in which nothing is stored after a window is whole in it."""

from __future__ import annotations

from datetime import date

from bridge.database import Connection
from bridge.history.scopes import EVERYTHING


def last_day(connection: Connection, table: str, condition: str = "true") -> date:
    """The last day of a roll-up, under a condition that its key can be looked up by; date.max while it is empty."""
    row = connection.execute(
        f"SELECT max(day) FROM {table} WHERE scope = %s AND {condition}".encode(), (EVERYTHING,)
    ).fetchone()
    return row[0] if row and row[0] else date.max
