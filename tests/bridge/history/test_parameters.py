"""Whatever a request asks history for: a valid selection, or a 400 or 422 that names what is wrong."""

from __future__ import annotations

import contextlib
import math
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.history.parameters import (
    GOAL_FIELDS,
    MOST_DAYS,
    MOST_STREAMS,
    MOST_VALUES,
    Asked,
    read_choice,
    read_filter,
    read_goals,
    read_number,
    read_query,
)
from bridge.history.window import PERIOD_DAYS, QUARTER
from bridge.problems import Problem
from tests.anything import INSTANTS, JSON, spoiled

NOW = datetime(2026, 11, 26, 12, 7, tzinfo=UTC)
ZONES = ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Asia/Kathmandu", "Pacific/Apia", "Etc/GMT+12"]
STRANGE_ZONES = [".", "..", "Europe", "/etc/localtime", "tzdata.zi", "zone.tab", "posix", "\x00", "\ud800", "x" * 5000]
TEXTS = st.text(max_size=20) | st.sampled_from([",", ",,a", "@", "@all", "\x00", "a" * 129, "Germany", "de", "demo"])
DATES = INSTANTS | TEXTS
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "period": st.sampled_from([*PERIOD_DAYS]) | TEXTS,
        "startDate": DATES,
        "endDate": DATES,
        "timezone": st.sampled_from([*ZONES, *STRANGE_ZONES]) | TEXTS,
        **dict.fromkeys(("streamId", "streamIds", "regions", "devices", "qualities"), TEXTS),
    },
)
LISTS = st.lists(TEXTS, max_size=3) | st.lists(TEXTS, min_size=MOST_VALUES + 1, max_size=MOST_VALUES + 1) | JSON
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "dateRange": st.fixed_dictionaries({}, optional={"start": DATES | JSON, "end": DATES | JSON}) | JSON,
        **dict.fromkeys(("streamIds", "regions", "devices", "qualities"), LISTS),
    },
)


def check(asked: Asked) -> None:
    """A selection that the database can be asked for."""
    window = asked.window
    assert window.start < window.end <= window.start + timedelta(days=MOST_DAYS) + 2 * QUARTER
    assert window.start.tzinfo is UTC and window.end.tzinfo is UTC
    assert window.previous().end == window.start
    assert isinstance(window.is_utc and window.has_whole_hours, bool)
    assert len(list(window.local_days())) <= MOST_DAYS + 2
    assert len(asked.streams) <= MOST_STREAMS
    chosen = (*asked.filter.regions, *asked.filter.devices, *asked.filter.qualities)
    assert all(0 < len(one) <= 128 and "\x00" not in one for one in (*asked.streams, *chosen))
    assert not any(one.startswith("@") for one in asked.streams)


@settings(max_examples=400, deadline=None)
@given(QUERIES)
@example({"startDate": "0001-01-01", "endDate": "0001-02-01", "timezone": "Europe/Berlin"})
@example({"startDate": "9999-12-01", "endDate": "9999-12-30", "timezone": "Etc/GMT+12"})
def test_any_query_selects_or_is_refused_by_name(query: dict[str, str]) -> None:
    try:
        check(read_query(query, NOW))
    except Problem as problem:
        assert problem.status == 400 and problem.extra["parameter"] in (*query, "startDate", "endDate", "period")


@settings(max_examples=400, deadline=None)
@given(FILTERS | JSON, st.sampled_from([*ZONES, *STRANGE_ZONES]))
@example({"dateRange": {"start": "0001-01-01", "end": "0001-02-01"}}, "Europe/Berlin")
def test_any_filter_selects_or_is_refused_by_name(body: object, zone: str) -> None:
    try:
        check(read_filter({"filter": orjson.dumps(body).decode(), "timezone": zone}, NOW))
    except Problem as problem:
        names = ("filter", "timezone", "streamIds", "regions", "devices", "qualities")
        assert problem.status == 400 and problem.extra["parameter"] in names


@given(st.text(max_size=40) | st.sampled_from(["[" * 5000, '{"a":' * 2000, "{}", "NaN", '"\\ud800"', "1e999"]))
def test_a_filter_that_is_no_json_is_refused(text: str) -> None:
    with contextlib.suppress(Problem):
        check(read_filter({"filter": text}, NOW))


@given(st.text(max_size=20) | st.integers().map(str) | st.sampled_from(["٣", "²", "1_0", "+1", " 1", "9" * 5000]))
def test_any_number_is_within_its_limits_or_refused(text: str) -> None:
    try:
        assert 1 <= read_number({"limit": text}, "limit", 10, 100) <= 100
    except Problem as problem:
        assert (problem.status, problem.extra["parameter"]) == (400, "limit")


@given(st.text(max_size=20))
def test_any_word_is_one_of_the_choices_or_refused(text: str) -> None:
    try:
        assert read_choice({"format": text}, "format", "csv", {"csv": 1, "json": 2}) in ("csv", "json")
    except Problem as problem:
        assert (problem.status, problem.extra["parameter"]) == (400, "format")


GOALS = {"period": "week", **dict.fromkeys(GOAL_FIELDS, 10)}


@settings(max_examples=200)
@given(spoiled(GOALS) | JSON)
def test_any_goals_are_numbers_within_their_limits_or_refused(body: object) -> None:
    try:
        goals = read_goals(body)
    except Problem as problem:
        assert problem.status == 422 and problem.extra["errors"]
        return
    assert goals.pop("period", "week") in PERIOD_DAYS
    assert all(one is None or (math.isfinite(one) and 0 <= one <= 1e15) for one in goals.values())


def test_the_window_of_a_query_is_what_it_says() -> None:
    asked = read_query({"startDate": "2026-11-01", "endDate": "2026-11-02", "timezone": "Europe/Berlin"}, NOW)
    assert (asked.window.start, asked.window.end) == (
        datetime(2026, 10, 31, 23, tzinfo=UTC),
        datetime(2026, 11, 2, 23, tzinfo=UTC),
    )
    with pytest.raises(Problem, match="endDate: 'nonsense'"):
        read_query({"startDate": "2026-11-01", "endDate": "nonsense"}, NOW)
    with pytest.raises(Problem, match="startDate: '1899-01-01'"):
        read_query({"startDate": "1899-01-01", "endDate": "1899-02-01"}, NOW)
