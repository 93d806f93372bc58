"""The registry over a real database, without one, and while it is away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from bridge.database import Database, DatabaseUnavailableError
from bridge.history.migrate import migrate
from bridge.problems import Problem
from bridge.streams.keys import KeyBox
from bridge.streams.registry import HIDDEN, Owner, StreamRegistry, slug
from bridge.streams.settings import StreamsConfig
from bridge.streams.store import StreamStore, Wanted
from exporters.settings import Secret
from tests import servers
from tests.bridge.streams.world import CONFIG, World, world

pytestmark = pytest.mark.live


@pytest.fixture
def one(database: Database) -> World:
    return world(database)


def registry_of(one: World) -> StreamRegistry:
    found: StreamRegistry = one.services.registry
    return found


def test_a_stream_is_made_with_a_key_and_found_again(one: World) -> None:
    made = registry_of(one).create({"title": "Launch day", "tags": ("a",)}, "acme", "ann")
    assert (made.status, made.tenant_id, made.user_id, made.slug, made.tags) == (
        "scheduled",
        "acme",
        "ann",
        "launch-day",
        ("a",),
    )
    assert made.channel_id == "ann"
    assert made.key is not None and len(made.key) == 32
    assert registry_of(one).require(made.id) == made
    assert "key" not in repr(made)


def test_an_id_can_be_chosen_once(one: World) -> None:
    registry_of(one).create({"id": "demo", "title": "Demo"}, "acme", "ann")
    with pytest.raises(Problem, match="'demo' exists") as raised:
        registry_of(one).create({"id": "demo", "title": "Demo"}, "other", "eve")
    assert raised.value.status == 409


def test_a_wrong_move_is_a_conflict_that_names_the_state(one: World) -> None:
    made = registry_of(one).create({"title": "a"}, "acme", "ann")
    with pytest.raises(Problem, match="is scheduled; stop needs a stream that is live") as raised:
        registry_of(one).stop(made.id)
    assert raised.value.status == 409
    assert registry_of(one).start(made.id).status == "live"
    with pytest.raises(Problem, match="is live; start needs"):
        registry_of(one).start(made.id)
    with pytest.raises(Problem, match="is live; delete needs"):
        registry_of(one).delete(made.id)


def test_stopping_keeps_the_end_and_the_totals_that_the_metrics_show(one: World) -> None:
    registry = registry_of(one)
    registry.create({"id": "demo", "title": "a"}, "acme", "ann")
    registry.start("demo")
    one.show_live("demo", viewers=10)
    stopped = registry.stop("demo")
    assert (stopped.status, stopped.ended_by, stopped.peak_viewers, stopped.total_views) == ("ended", "caller", 15, 40)
    assert stopped.actual_end is not None and stopped.actual_start is not None
    assert stopped.actual_end >= stopped.actual_start


def test_a_key_opens_its_stream_until_it_is_rotated(one: World) -> None:
    registry = registry_of(one)
    made = registry.create({"id": "demo", "title": "a"}, "acme", "ann")
    assert made.key and registry.publish(made.key) == "demo"
    assert registry.publish(made.key + "x") is None
    rotated = registry.rotate_key("demo")
    assert rotated.key and rotated.key != made.key
    assert registry.publish(made.key) is None
    assert registry.publish(rotated.key) == "demo"


def test_a_stopped_or_cancelled_stream_takes_no_publisher(one: World) -> None:
    registry = registry_of(one)
    stopped = registry.create({"title": "a"}, "acme", "ann")
    cancelled = registry.create({"title": "b"}, "acme", "ann")
    registry.start(stopped.id)
    registry.stop(stopped.id)
    registry.move(cancelled.id, "cancel", {})
    assert stopped.key and registry.publish(stopped.key) is None
    assert cancelled.key and registry.publish(cancelled.key) is None


def test_keys_are_sealed_in_the_table_when_a_secret_is_set(database: Database) -> None:
    sealed = world(database, settings=StreamsConfig(key_secret=Secret("of the tests")))
    made = registry_of(sealed).create({"id": "demo", "title": "a"}, "acme", "ann")
    held = database.row("SELECT key_sealed, key_digest FROM streams WHERE id = 'demo'")
    assert held is not None and made.key is not None
    assert made.key.encode() not in held[0] and held[0].startswith(b"sealed:")
    assert registry_of(sealed).require("demo").key == made.key
    other = world(database, settings=StreamsConfig(key_secret=Secret("another")))
    assert registry_of(other).require("demo").key is None
    assert registry_of(other).publish(made.key) == "demo"


def test_pages_go_from_the_newest_to_the_oldest_without_gap_or_repeat(one: World) -> None:
    registry = registry_of(one)
    for number in range(7):
        registry.create({"id": f"s{number}", "title": "a"}, "acme", "ann")
    registry.create({"id": "other", "title": "a"}, "umbrella", "eve")
    seen: list[str] = []
    after: tuple[datetime, str] | None = None
    while page := registry.page(Wanted(limit=3, tenant_id="acme", after=after)):
        seen += [record.id for record in page]
        after = (page[-1].created_at, page[-1].id)
    assert seen == [f"s{number}" for number in range(6, -1, -1)]


def test_the_owner_of_a_stream_is_known_from_memory(one: World, database: Database) -> None:
    registry = registry_of(one)
    registry.create({"id": "demo", "title": "a", "privacy": "private"}, "acme", "ann")
    database.execute("DELETE FROM streams")
    assert registry.owner_of("demo") == Owner("acme", "private")


def test_a_stream_that_is_not_registered_belongs_to_nobody(one: World) -> None:
    assert registry_of(one).owner_of("nothing") is None
    assert registry_of(one).get("nothing") is None
    assert registry_of(one).tenant_of("nothing") == CONFIG.default_tenant


def test_without_a_database_streams_are_what_the_metrics_show() -> None:
    bare = world(None)
    registry = registry_of(bare)
    assert registry.page(Wanted(limit=10)) == []
    bare.show_live("demo", "other", started=1_700_000_000)
    found = registry.require("demo")
    assert (found.status, found.title, found.tenant_id) == ("live", "demo", CONFIG.default_tenant)
    assert found.actual_start == datetime.fromtimestamp(1_700_000_000, UTC)
    assert {record.id for record in registry.page(Wanted(limit=10, status="live"))} == {"demo", "other"}
    assert registry.page(Wanted(limit=10, status="ended")) == []


def test_without_a_database_writing_says_what_is_missing() -> None:
    registry = registry_of(world(None))
    attempts = [
        lambda: registry.create({"title": "a"}, "acme", "ann"),
        lambda: registry.start("demo"),
        lambda: registry.delete("demo"),
        lambda: registry.rotate_key("demo"),
        lambda: registry.change("demo", {"title": "b"}),
        lambda: registry.publish("key"),
    ]
    for attempt in attempts:
        with pytest.raises(Problem, match="DATABASE_URL") as raised:
            attempt()
        assert raised.value.status == 503


def test_while_the_database_is_away_known_streams_go_on_and_writing_is_refused(tmp_path: Path) -> None:
    port = servers.free_port()
    with servers.postgres(tmp_path, port=port) as url:
        migrate(url)
        database = Database(url, wait_seconds=0.3)
        registry = registry_of(world(database))
        made = registry.create({"id": "demo", "title": "a"}, "acme", "ann")
    assert registry.owner_of("demo") == Owner("acme", "public")
    assert registry.owner_of("never-seen") == HIDDEN
    assert registry.require("demo") == made
    assert registry.page(Wanted(limit=10, tenant_id="acme")) == [made]
    assert made.key and registry.publish(made.key) == "demo"
    attempts = [
        lambda: registry.start("demo"),
        lambda: registry.publish("unknown"),
        lambda: registry.require("never-seen"),
    ]
    for attempt in attempts:
        with pytest.raises(Problem) as raised:
            attempt()
        assert raised.value.status == 503
    database.close()
    with servers.postgres(tmp_path, port=port) as url:
        again = Database(url)
        assert registry_of(world(again)).require("demo").key == made.key
        again.close()


def test_after_a_failure_the_database_is_left_alone_for_a_moment(database: Database) -> None:
    now = [0.0]
    store = StreamStore(database, KeyBox(""), rest_seconds=3.0, clock=lambda: now[0])
    broken = StreamStore(Database("postgresql://127.0.0.1:1/none", wait_seconds=0.1), KeyBox(""), clock=lambda: now[0])
    assert store.get("demo") is None
    with pytest.raises(DatabaseUnavailableError, match="the database does not answer: "):
        broken.get("demo")
    with pytest.raises(DatabaseUnavailableError, match=r"^the database does not answer$"):
        broken.get("demo")


def test_a_schema_that_is_not_there_is_said_so(database: Database) -> None:
    database.execute("ALTER TABLE streams RENAME TO streams_elsewhere")
    try:
        with pytest.raises(DatabaseUnavailableError, match="schema is not there yet"):
            StreamStore(database, KeyBox("")).get("demo")
    finally:
        database.execute("ALTER TABLE streams_elsewhere RENAME TO streams")


def test_only_columns_of_the_table_are_written(database: Database) -> None:
    with pytest.raises(ValueError, match="no columns of streams: key_digest"):
        StreamStore(database, KeyBox("")).update("demo", {"key_digest": b""})


def test_the_table_refuses_a_state_that_does_not_exist(one: World, database: Database) -> None:
    made = registry_of(one).create({"title": "a"}, "acme", "ann")
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute("UPDATE streams SET status = 'paused' WHERE id = %s", (made.id,))


@pytest.mark.parametrize(
    ("title", "expected"), [("Grüße & more", "grusse-more"), ("  A  b ", "a-b"), ("日本", ""), ("x" * 200, "x" * 80)]
)
def test_a_title_becomes_part_of_a_url(title: str, expected: str) -> None:
    assert slug(title) == expected
