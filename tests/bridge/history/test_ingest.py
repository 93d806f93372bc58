"""Tests of spool files on their way into the database."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.database import Connection
from bridge.history import ingest as ingest_module
from bridge.history.ingest import SpoolIngest
from exporters.viewers.spool import SpoolReader
from tests.bridge.history.made import NOON, broadcast, event, session, sketch, spool


class Counts(dict[tuple[str, str], int]):
    """What was counted, by table and result."""

    def add(self, number: int, table: str, result: str) -> None:
        self[table, result] = self.get((table, result), 0) + number


def ingest(folder: Path, counts: Counts | None = None, **options: int) -> SpoolIngest:
    return SpoolIngest(
        [folder],
        timedelta(days=400),
        "USD",
        "acme",
        count=(counts if counts is not None else Counts()).add,
        now=lambda: NOON + timedelta(hours=1),
        **options,
    )


def number_of(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row
    return int(row[0])


def test_every_kind_of_record_is_stored_and_the_file_deleted(connection: Connection, tmp_path: Path) -> None:
    counts = Counts()
    spool(tmp_path, [session(1), event(1), broadcast(), sketch(["a", "b"])])
    assert ingest(tmp_path, counts).turn(connection) is False
    assert {table: number_of(connection, table) for table in ("sessions", "events", "broadcasts")} == {
        "sessions": 1,
        "events": 1,
        "broadcasts": 1,
    }
    assert number_of(connection, "sketches") == 3 * 2
    assert list(tmp_path.iterdir()) == []
    assert (counts["sessions", "ok"], counts["events", "ok"], counts["spool_records", "refused"]) == (1, 1, 0)


def test_a_file_that_is_stored_but_not_deleted_is_only_deleted(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool(tmp_path, [session(1, played=True)])
    copy = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ingest(tmp_path).turn(connection)
    for name, content in copy.items():
        (tmp_path / name).write_bytes(content)
    ingest(tmp_path).turn(connection)
    assert list(tmp_path.iterdir()) == []
    sums = connection.execute("SELECT sessions FROM session_days WHERE scope = '@' AND dimension = 'total'").fetchone()
    assert sums == (1,)


def test_a_torn_line_is_skipped_and_counted(connection: Connection, tmp_path: Path) -> None:
    counts = Counts()
    spool(tmp_path, [session(1), session(2)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-20])
    ingest(tmp_path, counts).turn(connection)
    assert number_of(connection, "sessions") == 1
    assert counts["spool_records", "refused"] == 1


@pytest.mark.parametrize(
    "bad",
    [
        {"joined": "yesterday"},
        {"joined": NOON.timestamp() + 1e9},
        {"joined": 12.0},
        {"watch_seconds": float("nan")},
        {"stream": ""},
        {"stream": "@everything"},
        {"stream": "s" * 129},
        {"session_id": None},
        {"address": "not an address"},
        {"engagements": [1]},
        {"kind": "secret"},
    ],
)
def test_a_record_that_cannot_be_stored_holds_nothing_up(
    connection: Connection, tmp_path: Path, bad: dict[str, object]
) -> None:
    counts = Counts()
    spool(tmp_path, [session(1), {**session(2), **bad}, session(3)])
    ingest(tmp_path, counts).turn(connection)
    assert number_of(connection, "sessions") == 2
    assert counts["spool_records", "refused"] == 1


def test_texts_are_bounded_and_cleaned(connection: Connection, tmp_path: Path) -> None:
    spool(tmp_path, [session(1, user_agent="a\x00" * 2000, city="Zoë", address="2001:db8:1:2::7")])
    ingest(tmp_path).turn(connection)
    row = connection.execute(
        "SELECT length(user_agent), city, host(address) FROM sessions JOIN clients ON clients.id = client "
        "JOIN places ON places.id = place"
    ).fetchone()
    assert row == (512, "Zoë", "2001:db8:1::")


def test_many_files_are_taken_in_batches_oldest_first(connection: Connection, tmp_path: Path) -> None:
    for number in range(5):
        spool(tmp_path, [session(number)], f"part{number}")
    oldest = sorted(path.name for path in tmp_path.iterdir())[0]
    assert ingest(tmp_path, batch_bytes=1).turn(connection) is True
    assert oldest not in {path.name for path in tmp_path.iterdir()}
    assert len(list(tmp_path.iterdir())) == 4


def test_records_the_database_refuses_are_kept_aside_and_the_others_stored(
    connection: Connection, tmp_path: Path
) -> None:
    counts = Counts()
    connection.execute("ALTER TABLE broadcasts ADD CONSTRAINT tiny CHECK (plays < 10)")
    try:
        spool(tmp_path, [session(1)], "good")
        spool(tmp_path, [session(3), broadcast(plays=11), session(4), broadcast(plays=12)], "refused")
        spool(tmp_path, [session(2)], "later")
        ingest(tmp_path, counts).turn(connection)
    finally:
        connection.execute("ALTER TABLE broadcasts DROP CONSTRAINT tiny")
    assert number_of(connection, "sessions") == 4
    (left,) = tmp_path.iterdir()
    assert left.suffix == ingest_module.REFUSED_SUFFIX
    assert [record["plays"] for record in SpoolReader(tmp_path).read(left).records] == [11, 12]
    assert counts["spool_files", "refused"] == 1
    assert counts["spool_records", "refused"] == 2


def test_nothing_a_record_says_keeps_others_from_being_stored(connection: Connection, tmp_path: Path) -> None:
    counts = Counts()
    connection.execute(
        "INSERT INTO streams (id, tenant_id, user_id, channel_id, title, slug, key_digest, key_sealed)"
        " VALUES ('demo', 'rival', 'u', 'c', 't', 't', '', '') ON CONFLICT DO NOTHING"
    )
    spool(
        tmp_path,
        [
            session(1),
            session(2, rendition_seconds={"a\x00": 1.0, "b": 2.0}),
            session(3, stream="de\x00mo"),
            event(1, event_id="@1", data={"deep": ["\x00"]}),
            broadcast(stream="x\x00y"),
            sketch(["a"], stream="@rival"),
        ],
    )
    ingest(tmp_path, counts).turn(connection)
    assert list(tmp_path.iterdir()) == []
    assert connection.execute("SELECT stream, tenant FROM recorded_streams").fetchall() == [("demo", "rival")]
    assert number_of(connection, "sessions") == 2
    assert number_of(connection, "events") == 1
    assert number_of(connection, "sketches") == 0
    assert counts["spool_records", "refused"] == 3


def test_amounts_are_counted_in_the_platforms_currency(connection: Connection, tmp_path: Path) -> None:
    gifts = [("USD", 10.0), ("", 5.0), ("EUR", 100.0), ("JPY", 1000.0)]
    spool(
        tmp_path,
        [
            event(number, event="donation", currency=currency or None, amount=amount)
            for number, (currency, amount) in enumerate(gifts)
        ],
    )
    SpoolIngest([tmp_path], timedelta(days=400), "USD", "acme", now=lambda: NOON, currency_rates={"EUR": 1.5}).turn(
        connection
    )
    row = connection.execute(
        "SELECT events, amount, top_amount FROM event_days WHERE scope = 'demo' AND event = 'donation'"
    ).fetchone()
    assert row == (4, 165.0, 150.0)
    assert connection.execute("SELECT sum(amount) FROM events").fetchone() == (1115.0,)
