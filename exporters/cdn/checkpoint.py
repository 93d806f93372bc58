"""The checkpoint: counters, positions in the logs and batches for the session engine, stored in one transaction.

SQLite holds it, so that a process killed at any point finds all three as they were at the same moment.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from exporters.cdn.held import SeriesRow
from exporters.errors import ConfigError
from exporters.exposition import Labels

SCHEMA = """
CREATE TABLE IF NOT EXISTS series (family TEXT, labels TEXT, value, PRIMARY KEY (family, labels)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (source TEXT PRIMARY KEY, position TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (source TEXT, sequence INTEGER, records INTEGER, body BLOB,
    PRIMARY KEY (sequence, source));
CREATE TABLE IF NOT EXISTS sequences (source TEXT PRIMARY KEY, last INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (digest BLOB PRIMARY KEY, taken REAL) WITHOUT ROWID;
"""
MAX_DELIVERIES = 20_000


class OutboxBatch(NamedTuple):
    """A batch that waits for the session engine: its source, sequence, number of records and JSON body."""

    source: str
    sequence: int
    records: int
    body: bytes


class Checkpoint:
    """The store; each method is one transaction and may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._base: sqlite3.Connection
        self._waiting = (0, 0)

    def open(self) -> None:
        """Open the store, made when new; raises ConfigError when it cannot be used, for one by another exporter."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None, timeout=1)
            self._base.execute("PRAGMA locking_mode=EXCLUSIVE")  # two readers of one log would count it twice
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=FULL")
            self._base.execute("PRAGMA cache_size=-64")
            self._base.executescript(SCHEMA)
            waiting = "SELECT COALESCE(SUM(records), 0), COALESCE(SUM(LENGTH(body)), 0) FROM outbox"
            self._waiting = self._base.execute(waiting).fetchone()
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"CDN_STATE: cannot use {self._path}: {error}; does another exporter use it?") from error

    def series(self) -> list[SeriesRow]:
        """All stored series."""
        with self._lock:
            rows = self._base.execute("SELECT family, labels, value FROM series").fetchall()
        return [
            (family, tuple(orjson.loads(labels)), orjson.loads(value) if isinstance(value, str) else value)
            for family, labels, value in rows
        ]

    def position(self, source: str) -> Any:
        """The stored position of a source, or None."""
        with self._lock:
            row = self._base.execute("SELECT position FROM positions WHERE source = ?", (source,)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def remove_position(self, source: str) -> None:
        """Forget a source that is no more."""
        with self._lock, _Transaction(self._base) as base:
            base.execute("DELETE FROM positions WHERE source = ?", (source,))

    def last_sequence(self, source: str) -> int:
        """The last sequence given to a batch of this source; a new store begins above earlier ones by the clock."""
        with self._lock:
            row = self._base.execute("SELECT last FROM sequences WHERE source = ?", (source,)).fetchone()
        return int(row[0]) if row else int(time.time() * 1000)

    def has_delivery(self, digest: bytes) -> bool:
        """Whether a pushed body with this digest has been counted already."""
        with self._lock:
            return self._base.execute("SELECT 1 FROM deliveries WHERE digest = ?", (digest,)).fetchone() is not None

    def store(
        self,
        series: Iterable[SeriesRow],
        positions: Mapping[str, Any],
        batches: Iterable[OutboxBatch] = (),
        deliveries: Iterable[bytes] = (),
    ) -> None:
        """Store what has changed, all or nothing."""
        batches, deliveries, now = list(batches), list(deliveries), time.time()
        rows = ((family, _json(labels), _storable(value)) for family, labels, value in series)
        with self._lock:
            with _Transaction(self._base) as base:
                base.executemany("INSERT OR REPLACE INTO series VALUES (?, ?, ?)", rows)
                stored = [(source, _json(position)) for source, position in positions.items()]
                base.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", stored)
                base.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?)", batches)
                base.executemany("INSERT OR REPLACE INTO sequences VALUES (?, ?)", [one[:2] for one in batches])
                if deliveries:
                    taken = [(one, now) for one in deliveries]
                    base.executemany("INSERT OR IGNORE INTO deliveries VALUES (?, ?)", taken)
                    base.execute(
                        "DELETE FROM deliveries WHERE digest IN (SELECT digest FROM deliveries ORDER BY taken DESC"
                        " LIMIT -1 OFFSET ?)",
                        (MAX_DELIVERIES,),
                    )
            self._waits(sum(one.records for one in batches), sum(len(one.body) for one in batches))

    def remove_series(self, keys: Iterable[tuple[str, Labels]]) -> None:
        """Remove stored series by family and label values."""
        with self._lock, _Transaction(self._base) as base:
            rows = ((family, _json(labels)) for family, labels in keys)
            base.executemany("DELETE FROM series WHERE family = ? AND labels = ?", rows)

    def next_batch(self) -> OutboxBatch | None:
        """The batch that has waited longest."""
        with self._lock:
            row = self._base.execute(
                "SELECT source, sequence, records, body FROM outbox ORDER BY rowid LIMIT 1"
            ).fetchone()
        return None if row is None else OutboxBatch(*row)

    def drop_batch(self, batch: OutboxBatch, counter: tuple[str, Labels]) -> None:
        """Forget a batch, and add its records to a stored counter."""
        with self._lock:
            with _Transaction(self._base) as base:
                where = "WHERE sequence = ? AND source = ?"
                dropped = base.execute(f"DELETE FROM outbox {where}", (batch.sequence, batch.source)).rowcount
                base.execute(
                    "INSERT INTO series VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                    (counter[0], _json(counter[1]), batch.records),
                )
            if dropped:
                self._waits(-batch.records, -len(batch.body))

    def waiting(self) -> tuple[int, int]:
        """Records and bytes in the outbox; counted along, because adding up all batches takes long when many wait."""
        return self._waiting

    def _waits(self, records: int, size: int) -> None:
        self._waiting = (self._waiting[0] + records, self._waiting[1] + size)

    def close(self) -> None:
        with self._lock:
            self._base.close()


class _Transaction:
    def __init__(self, base: sqlite3.Connection) -> None:
        self._base = base

    def __enter__(self) -> sqlite3.Connection:
        self._base.execute("BEGIN IMMEDIATE")
        return self._base

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._base.execute("COMMIT" if error is None else "ROLLBACK")


def _storable(value: Any) -> Any:
    """A counter as SQLite takes it, whose integers have 64 bits; a histogram as JSON."""
    if isinstance(value, int):
        return value if value < 1 << 63 else float(value)
    return value if isinstance(value, float) else _json(value)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
