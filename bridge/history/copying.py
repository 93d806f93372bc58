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
    """Make a temporary table that ends with the transaction, with these rows."""
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(_typed(kind))) for name, kind in columns.items()
    )
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(table), fields))
    copy_rows(connection, table, columns, rows)


def _typed(kind: str) -> Any:
    return f'{kind} COLLATE "C"' if kind == "text" else kind
