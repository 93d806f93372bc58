"""What history holds and how far it reaches, for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bridge.database import Connection
from bridge.history.backfill import watermark
from bridge.history.migrate import pending
from bridge.history.partitions import FACTS
from bridge.history.recorder import LOCK
from bridge.history.timescale import edition
from exporters.viewers.spool import SpoolReader


def read_status(connection: Connection, spool: Sequence[Path], now: datetime) -> list[tuple[str, str]]:
    """Names and values, in the order to show them."""
    rows = [
        ("edition", edition(connection).value),
        ("migrations to apply", ", ".join(f"{one.version:04d}" for one in pending(connection)) or "none"),
    ]
    if pending(connection):
        return rows
    mark = watermark(connection)
    reached = datetime.fromtimestamp(mark, UTC) if mark is not None else None
    rows += [
        ("recorder active", "yes" if _locked(connection) else "no"),
        ("minutes stored up to", f"{reached:%Y-%m-%d %H:%M}Z" if reached else "nothing stored yet"),
        ("behind by", f"{(now - reached).total_seconds():.0f} s" if reached else "-"),
    ]
    for fact in FACTS:
        rows.append((f"{fact} (about)", f"{_about(connection, fact):,} rows"))
    for folder in spool:
        waiting = SpoolReader(folder).waiting()
        size = sum(path.stat().st_size for path in waiting)
        rows.append((f"spool {folder}", f"{len(waiting)} files, {size:,} bytes"))
    return rows


def _locked(connection: Connection) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted", (LOCK,)
    ).fetchone()
    return row is not None and row[0] > 0


def _about(connection: Connection, fact: str) -> int:
    """The planner's estimates of the partitions; only those that have none yet are counted, which reads every row."""
    parts = connection.execute(
        "WITH RECURSIVE parts AS (SELECT %s::regclass::oid AS oid UNION ALL"
        " SELECT inhrelid FROM pg_inherits JOIN parts ON inhparent = parts.oid)"
        " SELECT oid::regclass::text, reltuples::bigint FROM pg_class JOIN parts USING (oid) WHERE relkind = 'r'",
        (fact,),
    ).fetchall()
    return sum(rows if rows >= 0 else _counted(connection, part) for part, rows in parts)


def _counted(connection: Connection, part: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM ONLY {part}".encode()).fetchone()
    return int(row[0]) if row else 0
