"""Puts the book of alerts together."""

from __future__ import annotations

from bridge.alerts.book import AlertBook
from bridge.alerts.memory import AlertMemory
from bridge.alerts.store import AlertStore
from bridge.database import Database


def build(database: Database | None) -> AlertBook:
    """A book in the database, or in memory where there is none."""
    return AlertBook(None if database is None else AlertStore(database), AlertMemory())
