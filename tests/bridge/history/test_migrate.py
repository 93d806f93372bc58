"""Tests of the numbered migrations."""

from __future__ import annotations

import threading

import psycopg
import pytest

from bridge.database import connect
from bridge.history.migrate import LOCK, migrate, migrations, pending
from bridge.history.timescale import Edition, edition
from tests.bridge.history.conftest import fresh_database


def test_migrations_are_applied_once_and_in_order(plain_url: str) -> None:
    applied = migrate(plain_url)
    assert [one.version for one in applied] == sorted(one.version for one in migrations())
    assert migrate(plain_url) == []
    with connect(plain_url) as connection:
        assert pending(connection) == []


def test_two_processes_that_migrate_at_once_apply_each_file_once(plain_url: str) -> None:
    applied: list[int] = []

    def run() -> None:
        applied.extend(one.version for one in migrate(plain_url))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(applied) == [one.version for one in migrations()]


def test_a_migration_waits_for_the_lock(plain_url: str) -> None:
    with psycopg.connect(plain_url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        thread = threading.Thread(target=migrate, args=(plain_url,))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert other.execute("SELECT to_regclass('sessions')").fetchone() == (None,)
        other.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
        thread.join(60)
        assert other.execute("SELECT to_regclass('sessions') IS NOT NULL").fetchone() == (True,)


@pytest.mark.parametrize(
    ("cluster", "timescale", "expected"),
    [
        ("plain", True, Edition.PLAIN),
        ("apache", True, Edition.APACHE),
        ("apache", False, Edition.PLAIN),
    ],
)
def test_the_extension_is_used_where_the_server_has_it(
    clusters: dict[str, str], cluster: str, timescale: bool, expected: Edition
) -> None:
    url = fresh_database(clusters[cluster], "extension")
    migrate(url, timescale=timescale)
    with connect(url) as connection:
        assert edition(connection) is expected


def test_facts_are_hypertables_with_timescaledb(clusters: dict[str, str]) -> None:
    url = fresh_database(clusters["apache"], "hyper")
    migrate(url)
    with connect(url) as connection:
        rows = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables ORDER BY 1")
        assert rows.fetchall() == [("events",), ("sessions",), ("stream_minutes",)]
