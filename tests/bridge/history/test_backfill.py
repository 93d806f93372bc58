"""Tests of how gaps in minutes are filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bridge.database import Connection
from bridge.history.backfill import Backfill, Reach, set_watermark, watermark
from bridge.promapi import PrometheusUnreachableError
from prometheus.queries import Query
from tests.bridge.history.made import NOON, Recorded

START = int(NOON.timestamp())
REACH = Reach(grace_seconds=15, first_seconds=3600, most_seconds=7200, chunk_minutes=30)


def recorded(minutes: int, stream: str = "demo") -> Recorded:
    times = [START + 60 * number for number in range(minutes)]
    return Recorded(
        {
            "minute_viewers": {stream: {at: float(number) for number, at in enumerate(times)}},
            "minute_viewers_peak": {stream: {at: number + 2.0 for number, at in enumerate(times)}},
        }
    )


def run(connection: Connection, source: Any, now: float) -> None:
    work = Backfill(source, "acme", REACH, clock=lambda: now, source_clock=lambda: now)
    while work.turn(connection):
        pass


def minutes(connection: Connection, stream: str = "demo") -> list[tuple[int, float]]:
    rows = connection.execute(
        "SELECT extract(epoch FROM at)::bigint, viewers FROM stream_minutes WHERE stream = %s ORDER BY at", (stream,)
    )
    return rows.fetchall()


def test_the_first_run_reaches_back_and_stops_at_the_grace(connection: Connection) -> None:
    run(connection, recorded(90), START + 90 * 60 + 14)
    assert minutes(connection)[0] == (START + 30 * 60, 30.0)
    assert minutes(connection)[-1] == (START + 88 * 60, 88.0)
    assert watermark(connection) == START + 89 * 60


def test_a_later_run_fills_exactly_the_gap(connection: Connection) -> None:
    run(connection, recorded(90), START + 40 * 60 + 20)
    stored = minutes(connection)
    run(connection, recorded(90), START + 90 * 60 + 20)
    assert minutes(connection) == [*stored, *((START + 60 * number, float(number)) for number in range(40, 90))]


def test_a_clock_ahead_of_the_source_stores_no_minute_before_it_was_measured(connection: Connection) -> None:
    run(connection, recorded(40), START + 40 * 60 + 20)
    now = START + 60 * 60 + 20.0
    ahead = Backfill(recorded(60), "acme", REACH, clock=lambda: now + 3600, source_clock=lambda: now)
    while ahead.turn(connection):
        pass
    assert watermark(connection) == START + 60 * 60
    assert minutes(connection)[-1] == (START + 59 * 60, 59.0)
    run(connection, recorded(90), START + 90 * 60 + 20)
    assert minutes(connection)[-1] == (START + 89 * 60, 89.0)


def test_a_run_again_over_the_same_minutes_doubles_nothing(connection: Connection) -> None:
    run(connection, recorded(60), START + 60 * 60 + 20)
    set_watermark(connection, START)
    run(connection, recorded(60), START + 60 * 60 + 20)
    assert len(minutes(connection)) == 60
    row = connection.execute("SELECT minutes, viewer_minutes, viewers_peak FROM stream_days WHERE stream = 'demo'")
    assert row.fetchone() == (60, sum(range(60)), 61)


def test_a_query_that_fails_stores_no_half_chunk(connection: Connection) -> None:
    class Torn(Recorded):
        def range(self, query: Query, start: float, end: float, step_seconds: float) -> Any:
            if query.name == "minute_switches":
                raise PrometheusUnreachableError("gone")
            return super().range(query, start, end, step_seconds)

    values: Mapping[str, Any] = {"minute_viewers": {"demo": {START: 1.0}}}
    with pytest.raises(PrometheusUnreachableError):
        run(connection, Torn(values), START + 300)
    assert minutes(connection) == []
    assert watermark(connection) is None


def test_minutes_without_samples_have_no_row(connection: Connection) -> None:
    values = {"minute_viewers": {"demo": {START: 1.0, START + 180: 4.0}}}
    run(connection, Recorded(values), START + 300)
    assert minutes(connection) == [(START, 1.0), (START + 180, 4.0)]


def test_tenants_and_everything_have_sums(connection: Connection) -> None:
    values = {
        "minute_viewers": {"one": {START: 3.0}, "two": {START: 4.0}},
        "minute_viewers_peak": {"one": {START: 5.0}, "two": {START: 4.0}},
        "minute_all_viewers": {"": {START: 7.5}},
        "minute_all_viewers_peak": {"": {START: 9.0}},
    }
    run(connection, Recorded(values), START + 300)
    rows = connection.execute(
        "SELECT stream, viewers, viewers_peak FROM stream_minutes WHERE stream LIKE '@%' ORDER BY stream"
    ).fetchall()
    assert rows == [("@", 7.5, 9.0), ("@acme", 7.0, 7.0)]


def test_a_stream_whose_name_cannot_be_stored_holds_nothing_up(connection: Connection) -> None:
    names = ("demo", "x\x00y", "@rival", "s" * 129)
    run(connection, Recorded({"minute_viewers": {name: {START: 1.0} for name in names}}), START + 300)
    rows = connection.execute("SELECT DISTINCT stream FROM stream_minutes ORDER BY stream").fetchall()
    assert rows == [("@",), ("@acme",), ("demo",)]
