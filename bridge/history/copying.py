"""COPY in PostgreSQL's binary format: the quick way in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import sql

from bridge.database import Connection

Columns = Mapping[str, str]
"""Column names in order, each with its PostgreSQL type."""


def copy_rows(connection: Connection, table: str, columns: Columns, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows into a table; each row's values are in the order of ``columns``."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(statement) as copy:
        copy.set_types(list(columns.values()))
        write = copy.write_row
        for row in rows:
            write(row)


def stage(connection: Connection, table: str, columns: Columns, rows: Iterable[Sequence[Any]]) -> None:
    """Fill a temporary table with these rows alone; they end with the transaction.

    The table stays for the connection: PostgreSQL's caches keep something of each table that ever was, so new ones each
    minute made a recorder's connection grow by 200 MB a day.
    """
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_typed(kind))) for name, kind in columns.items()
    )
    name = sql.Identifier(table)
    connection.execute(
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(name, fields)
    )
    connection.execute(sql.SQL("DELETE FROM {}").format(name))
    copy_rows(connection, table, columns, rows)


def _typed(kind: str) -> Any:
    return f'{kind} COLLATE "C"' if kind == "text" else kind
