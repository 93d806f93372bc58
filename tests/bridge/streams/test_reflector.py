"""What the metrics show, reflected in the registry."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from bridge.database import Database
from bridge.streams.settings import StreamsConfig
from prometheus import queries
from tests.bridge.streams.world import World, world
from tests.servers import wait_until

pytestmark = pytest.mark.live


@pytest.fixture
def one(database: Database) -> World:
    found = world(database, settings=StreamsConfig(away_seconds=60))
    found.services.registry.create({"id": "demo", "title": "Demo"}, "acme", "ann")
    return found


def age(database: Database, seconds: float) -> None:
    """Let everything in the registry have happened earlier."""
    database.execute(
        "UPDATE streams SET last_published = last_published - make_interval(secs => %s),"
        " actual_start = actual_start - make_interval(secs => %s)",
        (seconds, seconds),
    )


def test_publishing_makes_a_scheduled_stream_live_from_when_it_began(one: World) -> None:
    one.show_live("demo", started=1_700_000_000)
    one.reflector.turn()
    record = one.services.registry.require("demo")
    assert (record.status, record.actual_start) == ("live", datetime.fromtimestamp(1_700_000_000, UTC))


def test_a_live_stream_that_nobody_publishes_ends_after_the_time_away(one: World, database: Database) -> None:
    one.show_live("demo", viewers=10)
    one.reflector.turn()
    one.reflector.turn()
    one.show((queries.EXPORTERS_UP, {("rtmp",): 1.0}), (queries.STREAM_UP, {("demo",): 0.0}))
    age(database, 50)
    one.reflector.turn()
    assert one.services.registry.require("demo").status == "live"
    age(database, 20)
    one.reflector.turn()
    record = one.services.registry.require("demo")
    assert (record.status, record.ended_by) == ("ended", "absence")
    assert record.actual_end == record.last_published


def test_the_peak_and_views_are_kept_when_a_stream_ends(one: World, database: Database) -> None:
    one.show_live("demo")
    one.reflector.turn()
    one.reflector.turn()
    one.show(
        (queries.EXPORTERS_UP, {("rtmp",): 1.0}),
        (queries.STREAM_UP, {("demo",): 0.0}),
        (queries.PEAK_VIEWERS, {("demo",): 77.0}),
        (queries.PLAYS, {("demo",): 130.0}),
    )
    age(database, 100)
    one.reflector.turn()
    record = one.services.registry.require("demo")
    assert (record.peak_viewers, record.total_views) == (77, 130)


def test_a_publisher_that_comes_back_goes_on_with_its_stream(one: World, database: Database) -> None:
    one.show_live("demo")
    one.reflector.turn()
    one.show((queries.EXPORTERS_UP, {("rtmp",): 1.0}))
    age(database, 100)
    one.reflector.turn()
    ended = one.services.registry.require("demo")
    assert ended.status == "ended"
    assert one.services.registry.publish(ended.key) == "demo"
    one.show_live("demo")
    one.reflector.turn()
    record = one.services.registry.require("demo")
    assert (record.status, record.actual_end, record.ended_by) == ("live", None, None)


def test_a_stream_that_was_stopped_stays_so_while_its_encoder_goes_on(one: World) -> None:
    one.show_live("demo")
    one.reflector.turn()
    one.services.registry.stop("demo")
    one.reflector.turn()
    assert one.services.registry.require("demo").status == "ended"


@pytest.mark.parametrize("blind", ["stale", "exporter down", "no snapshot"])
def test_who_cannot_see_ends_no_stream(one: World, database: Database, blind: str) -> None:
    one.show_live("demo")
    one.reflector.turn()
    age(database, 1000)
    if blind == "stale":
        one.show((queries.EXPORTERS_UP, {("rtmp",): 1.0}), taken=time.time() - 30)
    elif blind == "exporter down":
        one.show((queries.EXPORTERS_UP, {("rtmp",): 0.0}))
    else:
        one.services.snapshots.present = None
    one.reflector.turn()
    assert one.services.registry.require("demo").status == "live"


def test_what_another_bridge_writes_is_known_after_a_turn(one: World, database: Database) -> None:
    other = world(database)
    one.reflector.turn()
    other.services.registry.create({"id": "theirs", "title": "a", "privacy": "private"}, "umbrella", "eve")
    other.services.registry.change("demo", {"title": "New"})
    one.reflector.turn()
    database.execute("ALTER TABLE streams RENAME TO streams_elsewhere")  # from here on memory alone answers
    try:
        assert one.services.registry.owner_of("theirs").tenant_id == "umbrella"
        assert one.services.registry.get("demo").title == "New"
    finally:
        database.execute("ALTER TABLE streams_elsewhere RENAME TO streams")


def test_the_worker_takes_turns_until_it_is_stopped(one: World) -> None:
    one.show_live("demo")
    one.reflector.start()
    wait_until(lambda: one.services.registry.require("demo").status == "live", "the stream to be live", 10)
    one.reflector.stop()


def test_a_stream_that_was_stopped_is_shown_as_ended_on_purpose(one: World) -> None:
    one.show_live("demo")
    one.reflector.turn()
    assert len(one.reflector.ended) == 0
    one.services.registry.stop("demo")
    one.reflector.turn()
    assert one.reflector.ended.get("demo") == 1
