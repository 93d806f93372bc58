"""Tests of goals, their progress, and the alerts of those that are reached."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.database import connect
from bridge.history.goal_alerts import GoalAlerts
from tests.bridge.history.made import NOON, event, session
from tests.bridge.history.world import World, steady


@pytest.fixture
def world(one_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(one_url, tmp_path)
    yield made
    made.close()


def check(world: World) -> list[tuple[Any, ...]]:
    """Let the recorder look, and give title, message and channel of every alert."""
    with connect(world.url) as connection:
        connection.autocommit = True
        GoalAlerts("USD", now=lambda: world.now).turn(connection)
        rows = connection.execute("SELECT title, message, channel_id, tenant_id FROM alerts ORDER BY raised_at, title")
        return rows.fetchall()


def test_goals_are_kept_and_progress_is_measured(world: World) -> None:
    world.record(session(1), session(2, engagements={"follow": 1}), event(1, event="follow"))
    world.record(event(2, event="tip", amount=12.5))
    world.minutes(steady("demo", NOON, 90, 2.0))
    posted = world.client.post("/analytics/goals/all", json={"targetViewers": 8, "targetRevenue": 50})
    assert posted.status_code == 200, posted.get_json()
    changed = world.client.post("/analytics/goals/all", json={"targetRevenue": None, "targetStreamHours": 3}).get_json()
    assert changed == world.get("goals/all")
    assert changed["current"] == {
        "viewers": 2,
        "revenue": 12.5,
        "followers": 1,
        "streamHours": 1.5,
        "engagementRate": 50,
    }
    assert changed["progress"] == {"targetViewers": 25, "targetStreamHours": 50}
    assert (changed["targetViewers"], changed["period"]) == (8, "month")
    assert "targetRevenue" not in changed


def test_every_bad_field_is_listed(world: World) -> None:
    answer = world.client.post(
        "/analytics/goals/all", json={"targetViewers": -1, "period": "eon", "targetEngagementRate": 101, "x": 1}
    )
    assert answer.status_code == 422
    assert {one["field"] for one in answer.get_json()["errors"]} == {"targetViewers", "period", "targetEngagementRate"}


def test_a_reached_goal_raises_one_alert_a_period(world: World) -> None:
    world.register("demo", channel="main")
    world.client.post("/analytics/goals/main", json={"targetViewers": 2, "period": "week"})
    world.record(session(1))
    assert check(world) == []
    world.record(session(2))
    reached = ("Viewer goal reached", "2 of 2 views", "main", "default")
    assert check(world) == [reached]
    assert check(world) == [reached]
    world.now += timedelta(days=7)
    assert check(world) == [reached]
