"""The schema's numbered SQL migrations, run in order, once each, by one process at a time."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg

from bridge.database import Connection, connect

log = logging.getLogger(__name__)
LOCK = 0x6269_6701  # an advisory lock number of our own
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  version int PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(Exception):
    """The schema cannot be brought up to date; the message names the file."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered SQL file."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]


def migrations() -> list[Migration]:
    """All migrations in order; raises MigrationError for a file name that is none, or a number given twice."""
    found: dict[int, Migration] = {}
    for file in files("bridge.history").joinpath("migrations").iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _NAME.fullmatch(file.name)
        if not match:
            raise MigrationError(f"{file.name}: a migration is named 0001_what_it_does.sql")
        version = int(match[1])
        if version in found:
            raise MigrationError(f"{file.name}: number {version} is taken by {found[version].name}")
        found[version] = Migration(version, match[2], file.read_text(encoding="utf-8"))
    return [found[version] for version in sorted(found)]


def migrate(url: str, *, timescale: bool = True, wait_seconds: float = 3.0) -> list[Migration]:
    """Apply what is not applied yet and give it back; waits for another process that is at it.

    With ``timescale``, the extension is made use of where the server offers it. Raises MigrationError when a file
    fails, DatabaseUnavailableError when the database is away.
    """
    with connect(url, wait_seconds=wait_seconds, name="bigfootlive-migrate") as connection:
        connection.autocommit = True
        connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        connection.execute("SET client_min_messages = warning")
        if timescale:
            _use_timescale(connection)
        connection.execute(_LEDGER)
        done = _applied(connection)
        fresh = [one for one in migrations() if one.version not in done]
        for one in fresh:
            _apply(connection, one)
        return fresh


def pending(connection: Connection) -> list[Migration]:
    """What has not been applied yet."""
    row: Any = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
    done = _applied(connection) if row[0] else {}
    return [one for one in migrations() if one.version not in done]


def _applied(connection: Connection) -> dict[int, str]:
    return dict(connection.execute("SELECT version, checksum FROM schema_migrations").fetchall())


def _apply(connection: Connection, migration: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (version, name, checksum) VALUES (%s, %s, %s)",
                (migration.version, migration.name, migration.checksum),
            )
    except psycopg.Error as error:
        raise MigrationError(f"{migration.version:04d}_{migration.name}.sql: {error}") from error
    log.info("schema: applied %04d %s", migration.version, migration.name)


def _use_timescale(connection: Connection) -> None:
    """Make the extension, where the server has it and this role may."""
    offered = connection.execute(
        "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb' AND installed_version IS NULL"
    ).fetchone()
    # Without the preloaded library CREATE EXTENSION ends the connection, so look first.
    preloaded = connection.execute(
        "SELECT current_setting('shared_preload_libraries', true) LIKE '%timescaledb%'"
    ).fetchone()
    if not offered or not preloaded or not preloaded[0]:
        return
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error as error:
        log.warning("schema: timescaledb is there but cannot be used, plain tables instead: %s", error)
