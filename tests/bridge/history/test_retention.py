"""Tests of what is dropped when it is old, and of what a person can have deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.database import connect
from bridge.history.retention import Keep, forget_user, prune
from tests.bridge.history.made import NOON, broadcast, event, session, sketch
from tests.bridge.history.world import World, at, steady


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[World]:
    made = World(url, tmp_path)
    yield made
    made.close()


def test_facts_go_by_whole_weeks_and_roll_ups_stay_longer(world: World) -> None:
    old = at(NOON, days=-30)
    world.record(session(1), session(2, joined=old, left=old + 5), event(1), event(2, time=old), broadcast())
    world.minutes(steady("demo", NOON - timedelta(days=30), 3, 1.0))
    world.minutes(steady("demo", NOON, 3, 1.0))
    week = timedelta(days=7)
    with connect(world.url) as connection:
        connection.autocommit = True
        dropped = prune(connection, Keep(week, week, week, timedelta(days=365)), NOON)
        assert min(dropped["sessions"], dropped["events"], dropped["stream_minutes"]) >= 1
        left = [
            connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            for table in ("sessions", "events", "stream_minutes", "broadcasts")
        ]
        assert left == [(1,), (1,), (9,), (1,)]  # minutes of the stream, its tenant, and everything
    assert world.get("summary", period="year")["totalViews"] == 2
    with connect(world.url) as connection:
        connection.autocommit = True
        prune(connection, Keep(week, week, week, timedelta(days=20)), NOON)
    assert world.get("summary", period="year")["totalViews"] == 1


def test_a_forgotten_user_is_in_no_row_and_sums_stay(world: World) -> None:
    times = {number: at(NOON, minutes=5 * number) for number in range(12)}
    world.record(
        *(
            session(number, user_id="ada" if number % 2 else None, joined=one, left=one + 9)
            for number, one in times.items()
        ),
        event(1),
        event(2, user_id="bob"),
        sketch(["ada", "bob"]),
    )
    with connect(world.url) as connection:
        assert forget_user(connection, "ada") == {"sessions": 6, "events": 1, "chatter_days": 1, "chatter_months": 1}
        connection.commit()
        for table in ("sessions", "events", "chatter_days", "chatter_months"):
            row = connection.execute(f"SELECT count(*) FROM {table} WHERE user_id = 'ada'".encode()).fetchone()
            assert row == (0,)
    assert world.get("summary", period="month")["totalViews"] == 12
    pages = [world.get("streams/demo/sessions", limit=4, page=page) for page in (1, 2)]
    assert [page["total"] for page in pages] == [6, 6]
    shown = [int(one["sessionId"], 16) for page in pages for one in page["sessions"]]
    assert shown == [10, 8, 6, 4, 2, 0]


def test_addresses_are_truncated_whoever_wrote_them(world: World) -> None:
    world.record(session(1, address="198.51.100.77"), session(2, address="2001:db8:aaaa:bbbb::1"))
    with connect(world.url) as connection:
        rows = connection.execute("SELECT host(address) FROM sessions ORDER BY session_id").fetchall()
    assert rows == [("198.51.100.0",), ("2001:db8:aaaa::",)]
