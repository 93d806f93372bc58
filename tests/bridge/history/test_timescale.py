"""Tests of what TimescaleDB does for history. Debian has its Apache edition; the statements of the community licence
are held to the roll-ups that we keep ourselves, as far as that edition can run them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from bridge.database import connect
from bridge.history.retention import Keep
from bridge.history.timescale import (
    Edition,
    Policies,
    apply_policies,
    community_statements,
    days_query,
    edition,
    hours_query,
)
from tests.bridge.history.conftest import emptied
from tests.bridge.history.made import NOON
from tests.bridge.history.world import World, steady

POLICIES = Policies(Keep(), timedelta(days=14))


@pytest.fixture
def world(migrated: dict[str, str], tmp_path: Path) -> Iterator[World]:
    made = World(emptied(migrated["apache"]), tmp_path)
    minutes = steady("demo", NOON - timedelta(minutes=90), 200, 5.0)
    minutes["minute_edge_ttfb"] = {"demo": {int(NOON.timestamp()): 0.5}}
    made.minutes(minutes)
    yield made
    made.close()


@pytest.mark.parametrize(("query", "table"), [(hours_query(), "stream_hours"), (days_query(), "stream_days")])
def test_continuous_aggregates_would_compute_what_we_do(world: World, query: str, table: str) -> None:
    with connect(world.url) as connection:
        computed = connection.execute(f"SELECT * FROM ({query}) computed ORDER BY 1, 2".encode())
        names = [column.name for column in computed.description or ()]
        kept = connection.execute(f"SELECT {', '.join(names)} FROM {table} ORDER BY 1, 2".encode())
        assert computed.fetchall() == kept.fetchall()


def test_the_apache_edition_is_left_without_policies(world: World) -> None:
    assert apply_policies(world.url, POLICIES) is Edition.APACHE


def test_every_community_statement_fails_on_the_licence_alone(world: World) -> None:
    """Each is understood by the server up to the point where it asks for the other licence."""
    with connect(world.url) as connection:
        connection.autocommit = True
        assert edition(connection) is Edition.APACHE
        for statement in community_statements(POLICIES):
            if statement.startswith("CREATE"):
                # Under the other licence these two are no tables, so their names are free.
                statement = statement.replace("EXISTS stream_", "EXISTS other_")
            with pytest.raises(psycopg.errors.FeatureNotSupported, match=r"license"):
                connection.execute(statement.encode())
