"""Spool files into the database: whole files in one transaction with the names of what is stored, then deleted."""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg

from bridge.database import Connection
from bridge.history.broadcasts import broadcast_row, store_broadcasts
from bridge.history.events import store_events
from bridge.history.records import Bounds, RecordRefusedError, event_row, session_row
from bridge.history.scopes import Tenants
from bridge.history.sessions import store_sessions
from bridge.history.sketches import sketch_row, store_sketches
from exporters.viewers.spool import SpoolFile, SpoolReader, encode_line

log = logging.getLogger(__name__)
BATCH_BYTES = 16 << 20
REFUSED_SUFFIX = ".refused"
FUTURE = timedelta(hours=1)
UNFIT = (
    *(psycopg.DataError, psycopg.IntegrityError, psycopg.errors.CardinalityViolation),
    *(ValueError, TypeError, OverflowError, RecursionError),
)
"""What says that a record cannot be stored, rather than that the database cannot store at present"""
Counter = Callable[[int, str, str], None]
"""Told (number of rows, table, result)."""
Results = collections.Counter[tuple[str, str]]
"""Numbers of rows by table and result."""
Insert = Callable[[Connection, Sequence[Mapping[str, Any]]], Results]


@dataclass
class Batch:
    """The rows of some spool files, by table."""

    sessions: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    sketches: list[Any] = field(default_factory=list)
    broadcasts: list[tuple[Any, ...]] = field(default_factory=list)
    refused: int = 0

    def add(self, record: Mapping[str, Any], tenants: Tenants, bounds: Bounds, rates: Mapping[str, float]) -> None:
        """Take a record; one that cannot be stored is counted and logged."""
        tenant = tenants.of(str(record.get("stream", "")))
        kind = record.get("kind")
        try:
            if kind == "session":
                self.sessions.append(session_row(record, tenant, bounds))
            elif kind == "event":
                self.events.append(event_row(record, tenant, bounds, rates))
            elif kind == "broadcast":
                self.broadcasts.append(broadcast_row(record, bounds))
            elif kind == "sketch":
                row = sketch_row(record, tenant, bounds)
                self.sketches += [row] if row else []
            else:
                raise RecordRefusedError(f"kind {kind!r} is not known")
        except RecordRefusedError as error:
            self.refused += 1
            log.warning("spool record refused: %s", error)


class SpoolIngest:
    """Stores what waits in spool folders, each file exactly once.

    The name of a stored file is committed with its rows: a process killed before it deletes the file finds the name,
    and only deletes.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        retention: timedelta,
        currency: str,
        default_tenant: str,
        count: Counter = lambda number, table, result: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        batch_bytes: int = BATCH_BYTES,
        currency_rates: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._readers = [SpoolReader(folder) for folder in folders]
        self._retention = retention
        self._rates = {"": 1.0, **currency_rates, currency: 1.0}
        self._default_tenant = default_tenant
        self._count = count
        self._now = now
        self._batch_bytes = batch_bytes

    def turn(self, connection: Connection) -> bool:
        """Store one batch of waiting files; whether there may be more. Raises psycopg's errors of a database away."""
        more = False
        for reader in self._readers:
            waiting = reader.waiting()
            taken = _first(waiting, self._batch_bytes)
            if taken:
                self._store(connection, reader, taken)
                more = more or len(taken) < len(waiting)
        return more

    def _store(self, connection: Connection, reader: SpoolReader, paths: Sequence[Path]) -> None:
        files = [reader.read(path) for path in paths]
        try:
            self._commit(connection, files, self._insert)
        except UNFIT as error:
            log.warning("%d spool files cannot be stored as they are: %s", len(paths), error)
            for file in files:
                self._commit(connection, [file], partial(self._insert_what_fits, file.path))
        for path in paths:
            reader.delete(path)

    def _commit(self, connection: Connection, files: Sequence[SpoolFile], insert: Insert) -> None:
        with connection.transaction():
            names = [file.path.name for file in files]
            rows = connection.execute("SELECT name FROM spool_files WHERE name = ANY(%s)", (names,)).fetchall()
            stored = {name for (name,) in rows}
            fresh = [file for file in files if file.path.name not in stored]
            records = [record for file in fresh for record in file.records]
            results = insert(connection, records)
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO spool_files (name, records) VALUES (%s, %s)",
                    [(file.path.name, len(file.records)) for file in fresh],
                )
        results["spool_records", "refused"] += sum(file.damaged for file in fresh)
        for (table, result), number in results.items():
            self._count(number, table, result)

    def _insert(self, connection: Connection, records: Sequence[Mapping[str, Any]]) -> Results:
        batch = self._read(connection, records)
        sessions, events = store_sessions(connection, batch.sessions), store_events(connection, batch.events)
        store_broadcasts(connection, batch.broadcasts)
        store_sketches(connection, batch.sketches)
        return Results(
            {
                ("sessions", "ok"): sessions,
                ("events", "ok"): events,
                ("broadcasts", "ok"): len(batch.broadcasts),
                ("sessions", "repeated"): len(batch.sessions) + len(batch.events) - sessions - events,
                ("spool_records", "refused"): batch.refused,
            }
        )

    def _insert_what_fits(self, path: Path, connection: Connection, records: Sequence[Mapping[str, Any]]) -> Results:
        """Store the records of a file that can be stored; the others are kept beside it for an operator."""
        unfit: list[Mapping[str, Any]] = []
        results = self._insert_halves(connection, records, unfit)
        if unfit:
            path.with_suffix(REFUSED_SUFFIX).write_bytes(b"".join(map(encode_line, unfit)))
            log.error("%d records of spool file %s cannot be stored", len(unfit), path.name)
            results["spool_files", "refused"] = 1
        return results

    def _insert_halves(
        self, connection: Connection, records: Sequence[Mapping[str, Any]], unfit: list[Mapping[str, Any]]
    ) -> Results:
        try:
            with connection.transaction():
                return self._insert(connection, records)
        except UNFIT:
            if len(records) == 1:
                unfit += records
                return Results({("spool_records", "refused"): 1})
        half = len(records) // 2
        return self._insert_halves(connection, records[:half], unfit) + self._insert_halves(
            connection, records[half:], unfit
        )

    def _read(self, connection: Connection, records: Sequence[Mapping[str, Any]]) -> Batch:
        now = self._now()
        bounds = Bounds(now - self._retention, now + FUTURE)
        tenants = Tenants.load(connection, self._default_tenant)
        batch = Batch()
        for record in records:
            batch.add(record, tenants, bounds, self._rates)
        return batch


def _first(paths: Sequence[Path], limit_bytes: int) -> list[Path]:
    """The oldest files that together are within the limit, and at least one."""
    taken: list[Path] = []
    total = 0
    for path in paths:
        total += path.stat().st_size
        if taken and total > limit_bytes:
            break
        taken.append(path)
    return taken
