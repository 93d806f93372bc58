"""Tests of how ended sessions are stored and added up."""

from __future__ import annotations

from typing import Any

from bridge.database import Connection
from bridge.history.records import session_row
from bridge.history.sessions import store_sessions
from tests.bridge.history.made import BOUNDS, NOON, session


def rows(*records: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [session_row(record, "acme", BOUNDS) for record in records]


def store(connection: Connection, *records: dict[str, Any]) -> int:
    with connection.transaction():
        return store_sessions(connection, rows(*records))


def test_a_session_is_stored_with_its_client_and_place(connection: Connection) -> None:
    assert store(connection, session(1, user_id="ada", engagements={"chat_message": 2}, chat_messages=2)) == 1
    stored = connection.execute(
        "SELECT stream, session_id, watch_seconds, user_id, host(address), device, browser, country, city, "
        "rendition_seconds, engagements FROM sessions JOIN clients ON clients.id = client "
        "JOIN places ON places.id = place"
    ).fetchall()
    assert stored == [
        (
            "demo",
            f"{1:032x}",
            90.25,
            "ada",
            "203.0.113.0",
            "desktop",
            "Firefox",
            "DE",
            "Berlin",
            {"720p": 60.25, "480p": 30.0},
            {"chat_message": 2},
        )
    ]


def test_a_session_written_again_counts_once(connection: Connection) -> None:
    assert store(connection, session(1), session(2)) == 2
    assert store(connection, session(2), session(3), session(3)) == 1
    assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (3,)
    totals = connection.execute(
        "SELECT scope, sessions, plays, watch_seconds FROM session_days WHERE dimension = 'total' ORDER BY scope"
    ).fetchall()
    assert totals == [("@", 3, 3, 270.75), ("@acme", 3, 3, 270.75), ("demo", 3, 3, 270.75)]


def test_clients_and_places_are_kept_once(connection: Connection) -> None:
    store(connection, session(1), session(2))
    store(connection, session(3, country="FR", region="", city=""))
    assert connection.execute("SELECT id, device FROM clients").fetchall() == [(1, "desktop")]
    assert connection.execute("SELECT country FROM places ORDER BY id").fetchall() == [("DE",), ("FR",)]


def test_every_dimension_adds_up_to_the_total(connection: Connection) -> None:
    store(
        connection,
        session(1, country="FR", variant="1080p", device="mobile", os="iOS", browser="Safari"),
        session(2, played=False, viewed=False, watch_seconds=0.0, startup_seconds=None),
        session(3, joined=NOON.timestamp() + 1000, stream="other"),
    )
    sums = connection.execute(
        "SELECT dimension, sum(sessions), sum(plays), sum(watch_seconds), sum(startups) FROM session_days "
        "WHERE scope = '@' GROUP BY dimension"
    ).fetchall()
    assert {row[1:] for row in sums} == {(3, 2, 180.5, 2)}
    assert len(sums) == 8
    months = connection.execute(
        "SELECT dimension, sum(plays) FROM session_months WHERE scope = '@acme' GROUP BY 1"
    ).fetchall()
    assert {plays for _, plays in months} == {2}
    assert len(months) == 7
    slices = connection.execute("SELECT sum(sessions), sum(bytes) FROM session_slices WHERE scope = '@acme'").fetchone()
    assert slices == (3, 2 * 90.25 * 250000)
    quarters = connection.execute("SELECT at, sessions FROM session_quarters WHERE scope = '@' ORDER BY at").fetchall()
    assert [(at.hour, at.minute, number) for at, number in quarters] == [(12, 0, 2), (12, 15, 1)]


def test_sessions_of_many_weeks_find_their_partitions(connection: Connection) -> None:
    times = [NOON.timestamp() - week * 7 * 86400 for week in range(5)]
    assert store(connection, *(session(number, joined=at, left=at + 5) for number, at in enumerate(times))) == 5
    assert connection.execute("SELECT count(DISTINCT joined) FROM sessions").fetchone() == (5,)


def test_a_connection_that_stores_all_day_does_not_grow_at_the_server(connection: Connection) -> None:
    """PostgreSQL's caches keep something of every table that ever was, temporary ones too."""
    kept = "SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name = 'CacheMemoryContext'"
    for number in range(20):
        store(connection, session(number))
    before = connection.execute(kept).fetchall()[0][0]
    for number in range(20, 120):
        store(connection, session(number))
    assert connection.execute(kept).fetchall()[0][0] - before < 100_000
