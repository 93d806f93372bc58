"""The body of a stream: every field checked, every bad one named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.problems import Problem
from bridge.streams.fields import read_change, read_creation


def test_a_full_body_is_read() -> None:
    change = read_creation(
        {
            "id": "launch-day",
            "title": "  Launch day ",
            "description": "All of it",
            "scheduled_start": "2026-12-01T18:00:00+01:00",
            "tags": ["a", "b", "a"],
            "category": "news",
            "privacy": "unlisted",
            "chat_enabled": False,
            "recording_enabled": True,
            "donations_enabled": True,
        }
    )
    assert change.fields == {
        "id": "launch-day",
        "title": "Launch day",
        "description": "All of it",
        "scheduled_start": datetime(2026, 12, 1, 17, tzinfo=UTC),
        "tags": ("a", "b"),
        "category": "news",
        "privacy": "unlisted",
        "chat_enabled": False,
        "recording_enabled": True,
        "donations_enabled": True,
    }


def test_camel_case_twins_are_taken() -> None:
    change = read_change({"scheduledStart": "2026-12-01T18:00:00Z", "chatEnabled": True, "thumbnailUrl": "https://a/b"})
    assert change.fields == {
        "scheduled_start": datetime(2026, 12, 1, 18, tzinfo=UTC),
        "chat_enabled": True,
        "thumbnail_url": "https://a/b",
    }


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(Problem) as raised:
        read_creation(
            {
                "title": "",
                "privacy": "secret",
                "tags": "a",
                "chatEnabled": 1,
                "scheduled_start": "tomorrow",
                "thumbnail_url": "javascript:x",
            }
        )
    assert raised.value.status == 422
    assert [error["field"] for error in raised.value.extra["errors"]] == [
        "title",
        "privacy",
        "tags",
        "chatEnabled",
        "scheduled_start",
        "thumbnail_url",
    ]


def test_a_stream_needs_a_title() -> None:
    with pytest.raises(Problem, match="title"):
        read_creation({})


@pytest.mark.parametrize("stream_id", ["", "-a", "a b", "a/b", "ä", "a" * 65, "show_720p", "show_src", 7])
def test_an_id_that_could_not_be_published_is_refused(stream_id: Any) -> None:
    with pytest.raises(Problem, match="id"):
        read_creation({"title": "a", "id": stream_id})


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        read_change({"scheduled_start": "2026-12-01T18:00:00"})
    assert raised.value.extra["errors"] == [{"field": "scheduled_start", "detail": "needs a time zone, such as Z"}]


def test_an_instant_far_from_now_is_refused() -> None:
    with pytest.raises(Problem, match="scheduled_start"):
        read_change({"scheduled_start": "0001-01-01T00:00:00Z"})


def test_what_clients_send_back_unasked_is_left_alone() -> None:
    change = read_change({"id": "x", "stream_key": "k", "viewer_count": 3, "status": "live", "title": "New"})
    assert (change.fields, change.status) == ({"title": "New"}, "live")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x), max_leaves=5))
def test_no_value_of_any_field_breaks_the_reading(value: Any) -> None:
    names = ["id", "title", "description", "scheduled_start", "tags", "category", "privacy", "status", "chat_enabled"]
    for name in names:
        try:
            read_creation({"title": "a", name: value})
        except Problem as problem:
            assert problem.status == 422
