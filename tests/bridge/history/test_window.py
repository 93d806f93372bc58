"""Tests of windows of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.history.series_sums import pieces
from bridge.history.window import DAY, Window
from tests.bridge.history.made import NOON

BERLIN = ZoneInfo("Europe/Berlin")
UTC_ZONE = ZoneInfo("UTC")
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


def test_a_period_ends_with_the_running_local_day() -> None:
    window = Window.period("week", NOON, BERLIN)
    assert window.start == datetime(2026, 11, 13, 23, tzinfo=UTC)
    assert window.end == datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert len(list(window.local_days())) == 7
    assert window.previous().end == window.start


@pytest.mark.parametrize(
    ("period", "first"),
    [
        ("today", date(2026, 11, 20)),
        ("week", date(2026, 11, 16)),
        ("month", date(2026, 11, 1)),
        ("year", date(2026, 1, 1)),
    ],
)
def test_calendar_periods(period: str, first: date) -> None:
    assert next(Window.calendar(period, NOON, BERLIN).local_days()) == first


def test_a_day_of_23_hours_is_one_day() -> None:
    window = Window.last_days(1, datetime(2026, 3, 29, 12, tzinfo=UTC), BERLIN)
    assert window.length == timedelta(hours=23)
    assert list(window.local_days()) == [date(2026, 3, 29)]


def test_zones_say_how_finely_their_days_must_be_cut() -> None:
    assert Window.period("week", NOON, UTC_ZONE).is_utc
    assert not Window.period("week", NOON, BERLIN).is_utc
    assert Window.period("week", NOON, BERLIN).has_whole_hours
    assert not Window.period("week", NOON, ZoneInfo("Asia/Kathmandu")).has_whole_hours
    assert Window.period("today", NOON, ZoneInfo("Europe/London")).is_utc
    assert not Window.period("year", NOON, ZoneInfo("Europe/London")).is_utc


@given(MOMENTS, st.timedeltas(timedelta(minutes=1), timedelta(days=40)))
def test_pieces_cover_the_window_once(start: datetime, length: timedelta) -> None:
    window = Window.of(start, start + length, UTC_ZONE)
    found = sorted(pieces(window), key=lambda piece: piece[1])
    assert found[0][1] == window.start
    assert found[-1][2] == window.end
    assert all(one[2] == other[1] for one, other in pairwise(found))
    first, last = window.whole(DAY)
    assert window.length == (last - first) + sum((end - begin for begin, end in window.ragged(DAY)), timedelta())
