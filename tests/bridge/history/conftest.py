"""Databases for the tests of history: PostgreSQL as this machine has it, and trixie's with TimescaleDB."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bridge.database import Connection, connect
from bridge.history.migrate import migrate
from tests import servers

SETUP = Path(__file__).parents[2] / "timescaledb.sh"
FAST = ("synchronous_commit=off", "shared_buffers=256MB", "max_wal_size=2GB")
TIMESCALE = ("shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off", "jit=off", *FAST)
EDITIONS = ("plain", "apache")


def trixie_binaries() -> Path:
    """PostgreSQL 17 with TimescaleDB, set up on first use and kept."""
    # As root the server runs as another user, who cannot look into root's home.
    cache = Path("/var/cache") if os.getuid() == 0 else Path.home() / ".cache"
    folder = cache / "bigfootlive" / "trixie-postgresql-17"
    done = subprocess.run(["sh", SETUP, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{SETUP.name}: {done.stderr}"
    return folder / "usr/lib/postgresql/17/bin"


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URL of a running server of each edition."""
    with (
        servers.postgres(tmp_path_factory.mktemp("plain"), settings=FAST) as plain,
        servers.postgres(tmp_path_factory.mktemp("apache"), trixie_binaries(), settings=TIMESCALE) as apache,
    ):
        yield {"plain": plain, "apache": apache}


def fresh_database(cluster: str, name: str) -> str:
    """The URL of a new empty database of this server."""
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
    return cluster.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def plain_url(clusters: dict[str, str]) -> str:
    """An empty database on PostgreSQL as this machine has it."""
    return fresh_database(clusters["plain"], "one")


@pytest.fixture(scope="session")
def migrated(clusters: dict[str, str]) -> dict[str, str]:
    """The URL of a migrated database of each edition."""
    urls = {name: fresh_database(cluster, "migrated") for name, cluster in clusters.items()}
    for url in urls.values():
        migrate(url)
    return urls


def emptied(url: str) -> str:
    """The same database without any rows but of its migrations."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        tables = connection.execute(
            "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'schema_migrations'"
        ).fetchone()
        assert tables
        connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE".encode())
    return url


@pytest.fixture(params=EDITIONS)
def url(request: pytest.FixtureRequest, migrated: dict[str, str]) -> str:
    """A migrated, empty database of each edition in turn."""
    return emptied(migrated[request.param])


@pytest.fixture
def one_url(migrated: dict[str, str]) -> str:
    """A migrated, empty database on PostgreSQL as this machine has it."""
    return emptied(migrated["plain"])


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    """A connection to a migrated database; every statement commits."""
    with connect(url) as made:
        made.autocommit = True
        yield made
