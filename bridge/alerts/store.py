"""Alerts in PostgreSQL: the table ``alerts``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from bridge.alerts.model import Alert, KeptAlert, Wanted
from bridge.database import Connection, Database

COLUMNS = (
    "id, fingerprint, tenant_id, channel_id, type, title, message, severity, raised_at, stream_id, data, closed_at,"
    " acknowledged_at, acknowledged_by"
)
FIELDS = COLUMNS.split(", ")


def raise_alert(connection: Connection, alert: Alert) -> bool:
    """Open an alert, or renew the texts of the open one of its fingerprint; whether it is a new one.

    A report of an occurrence that is closed already is late, and changes nothing.
    """
    values = _values(alert)
    renewed = connection.execute(
        b"UPDATE alerts SET title = %(title)s, message = %(message)s, severity = %(severity)s, data = %(data)s"
        b" WHERE fingerprint = %(fingerprint)s AND closed_at IS NULL",
        values,
    )
    return not renewed.rowcount and _insert(connection, values)


def close_alert(connection: Connection, alert: Alert) -> None:
    """Close the open alert of this one's fingerprint at its ``closed_at``; keep one that was never open here too."""
    values = _values(alert)
    closed = connection.execute(
        b"UPDATE alerts SET closed_at = greatest(%(closed_at)s, raised_at)"
        b" WHERE fingerprint = %(fingerprint)s AND closed_at IS NULL",
        values,
    )
    if not closed.rowcount:
        _insert(connection, values)


class AlertStore:
    """Reads and writes alerts; every method raises DatabaseUnavailableError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, alerts: Sequence[Alert]) -> None:
        """Raise or close each alert, all in one transaction."""
        with self._database.connection() as connection:
            for alert in alerts:
                if alert.closed_at is None:
                    raise_alert(connection, alert)
                else:
                    close_alert(connection, alert)

    def get(self, alert_id: str) -> KeptAlert | None:
        found = self._kept(f"SELECT {COLUMNS} FROM alerts WHERE id = %s", (alert_id,))
        return found[0] if found else None

    def list(self, wanted: Wanted) -> Sequence[KeptAlert]:
        """The alerts that are wanted, newest first."""
        conditions, values = ["true"], []
        if wanted.tenant_id is not None:
            conditions.append("tenant_id = %s")
            values.append(wanted.tenant_id)
        if wanted.about is not None:
            conditions.append("(channel_id = %s OR stream_id = %s)")
            values += [wanted.about, wanted.about]
        if wanted.open is not None:
            conditions.append(f"closed_at IS {'' if wanted.open else 'NOT '}NULL")
        sql = f"SELECT {COLUMNS} FROM alerts WHERE {' AND '.join(conditions)} ORDER BY raised_at DESC, id LIMIT %s"
        return self._kept(sql, (*values, wanted.limit))

    def acknowledge(self, alert_id: str, who: str, at: datetime) -> KeptAlert | None:
        """Note who has seen it first; None when there is no such alert."""
        found = self._kept(
            "UPDATE alerts SET acknowledged_at = coalesce(acknowledged_at, %s),"
            f" acknowledged_by = coalesce(acknowledged_by, %s) WHERE id = %s RETURNING {COLUMNS}",
            (at, who, alert_id),
        )
        return found[0] if found else None

    def _kept(self, sql: str, values: Sequence[Any]) -> Sequence[KeptAlert]:
        if any(isinstance(value, str) and "\0" in value for value in values):
            return []  # PostgreSQL cannot be asked for it
        return [_read(row) for row in self._database.rows(sql, values)]


def _insert(connection: Connection, values: dict[str, Any]) -> bool:
    places = ", ".join(f"%({name})s" for name in FIELDS)
    sql = f"INSERT INTO alerts ({COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING"
    return connection.execute(sql.encode(), values).rowcount > 0


def _values(alert: Alert) -> dict[str, Any]:
    values = {name: getattr(alert, name) for name in FIELDS}
    return {**values, "data": Jsonb(dict(alert.data))}


def _read(row: Sequence[Any]) -> KeptAlert:
    values = dict(zip(FIELDS, row, strict=True))
    return KeptAlert(values.pop("id"), Alert(**values))
