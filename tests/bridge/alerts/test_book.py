"""The same rules hold in the table and in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.alerts import assembly
from bridge.alerts.book import AlertBook
from bridge.alerts.memory import AlertMemory
from bridge.alerts.model import Alert, KeptAlert, Wanted
from bridge.alerts.store import raise_alert
from bridge.database import Database
from bridge.history.migrate import migrate
from bridge.problems import Problem
from tests import servers

pytestmark = pytest.mark.live
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
FIRING = Alert("f1", "acme", "ch", "StreamIngestLost", "Lost", "demo is lost", "critical", NOW, "demo", {"a": "b"})
RESOLVED = replace(FIRING, closed_at=NOW + timedelta(minutes=5))
EVERY = Wanted(open=None)


@pytest.fixture(params=["table", "memory"])
def book(request: pytest.FixtureRequest) -> AlertBook:
    return assembly.build(request.getfixturevalue("database") if request.param == "table" else None)


def test_an_alert_is_open_until_it_is_closed(book: AlertBook) -> None:
    book.take([FIRING])
    assert [one.alert for one in book.list(Wanted())] == [FIRING]
    book.take([RESOLVED])
    assert book.list(Wanted()) == []
    assert [one.alert for one in book.list(Wanted(open=False))] == [RESOLVED]


def test_telling_again_changes_the_texts_only(book: AlertBook) -> None:
    book.take([FIRING])
    first = book.list(Wanted())[0]
    later = replace(FIRING, message="worse", severity="warning", raised_at=NOW + timedelta(seconds=30))
    book.take([later])
    again = book.list(Wanted())
    assert [one.id for one in again] == [first.id]
    assert again[0].alert == replace(FIRING, message="worse", severity="warning")


def test_an_acknowledgement_outlasts_repeats_and_names_who_was_first(book: AlertBook) -> None:
    book.take([FIRING])
    alert_id = book.list(Wanted())[0].id
    first = book.acknowledge(alert_id, "ann")
    book.acknowledge(alert_id, "bob")
    book.take([FIRING])
    kept = book.get(alert_id)
    assert kept == first
    assert (kept.alert.acknowledged_by, kept.alert.acknowledged_at is not None) == ("ann", True)


def test_an_alert_that_fires_again_is_another_occurrence(book: AlertBook) -> None:
    book.take([FIRING])
    book.acknowledge(book.list(Wanted())[0].id, "ann")
    book.take([RESOLVED])
    book.take([replace(FIRING, raised_at=NOW + timedelta(hours=1))])
    (again,) = book.list(Wanted())
    assert again.alert.acknowledged_at is None
    assert len(book.list(EVERY)) == 2


def test_a_late_report_of_a_closed_occurrence_changes_nothing(book: AlertBook) -> None:
    book.take([FIRING])
    book.take([RESOLVED])
    book.take([FIRING])
    book.take([RESOLVED])
    assert [one.alert for one in book.list(EVERY)] == [RESOLVED]


def test_an_end_that_is_heard_of_first_is_kept_as_closed(book: AlertBook) -> None:
    book.take([RESOLVED])
    assert [one.alert for one in book.list(EVERY)] == [RESOLVED]


def test_lists_are_by_tenant_channel_and_stream_newest_first(book: AlertBook) -> None:
    other = replace(FIRING, fingerprint="f2", stream_id="show", raised_at=NOW + timedelta(seconds=1))
    foreign = replace(FIRING, fingerprint="f3", tenant_id="umbrella", channel_id="x", stream_id="y")
    book.take([FIRING, other, foreign])
    names = {
        "tenant": [one.alert.fingerprint for one in book.list(Wanted(tenant_id="acme"))],
        "channel": [one.alert.fingerprint for one in book.list(Wanted(about="ch"))],
        "stream": [one.alert.fingerprint for one in book.list(Wanted(about="demo"))],
        "both": [one.alert.fingerprint for one in book.list(Wanted(tenant_id="umbrella", about="demo"))],
        "one": [one.alert.fingerprint for one in book.list(Wanted(limit=1))],
    }
    assert names == {"tenant": ["f2", "f1"], "channel": ["f2", "f1"], "stream": ["f1"], "both": [], "one": ["f2"]}


def test_an_unknown_alert_is_a_404(book: AlertBook) -> None:
    for attempt in (lambda: book.get("none"), lambda: book.acknowledge("none", "ann")):
        with pytest.raises(Problem) as raised:
            attempt()
        assert raised.value.status == 404


def test_a_goal_is_raised_in_the_transaction_of_whoever_reached_it(database: Database) -> None:
    with database.connection() as connection:
        assert raise_alert(connection, FIRING)
        assert not raise_alert(connection, FIRING)
    assert len(assembly.build(database).list(Wanted())) == 1


def test_while_the_database_is_away_lists_go_on_and_telling_is_to_be_repeated(tmp_path: Path) -> None:
    with servers.postgres(tmp_path) as url:
        migrate(url)
        database = Database(url, wait_seconds=0.3)
        book = assembly.build(database)
        book.raise_alert(FIRING)
        known = book.list(Wanted())
    assert book.list(Wanted()) == known
    assert book.get(known[0].id) == known[0]
    for attempt in (lambda: book.take([RESOLVED]), lambda: book.acknowledge(known[0].id, "ann")):
        with pytest.raises(Problem) as raised:
            attempt()
        assert (raised.value.status, raised.value.headers["Retry-After"]) == (503, "5")
    assert book.list(Wanted()) == known
    database.close()


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    memory = AlertMemory(limit=3)
    memory.take([replace(FIRING, fingerprint=str(number)) for number in range(5)])
    assert {one.alert.fingerprint for one in memory.list(EVERY)} == {"2", "3", "4"}
    memory.take([replace(RESOLVED, fingerprint="0")])
    assert {one.alert.fingerprint for one in memory.list(Wanted(open=False))} == {"0"}


def test_what_is_remembered_from_the_table_is_bounded_as_well() -> None:
    memory = AlertMemory(limit=3)
    memory.remember(KeptAlert(str(number), replace(FIRING, fingerprint=str(number))) for number in range(10))
    assert [one.id for one in memory.list(EVERY)] == ["7", "8", "9"]
