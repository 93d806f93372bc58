"""The body of a launch."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.containers.request import LaunchRequest, read_launch
from bridge.problems import Problem


def test_an_empty_body_has_defaults() -> None:
    assert read_launch({}) == LaunchRequest(expected_viewers=100, recording=False)


def test_a_full_body_is_read() -> None:
    body = {
        "expected_viewers": 5000,
        "audience_regions": ["eu"],
        "recording_enabled": True,
        "quality_settings": {"resolution": "1080p", "bitrate": 4500, "fps": 30},
    }
    assert read_launch(body) == LaunchRequest(expected_viewers=5000, recording=True)


def test_every_bad_field_is_named_at_once() -> None:
    with pytest.raises(Problem) as raised:
        read_launch(
            {
                "expected_viewers": -1,
                "audience_regions": "eu",
                "recording_enabled": "yes",
                "quality_settings": {"resolution": "big", "bitrate": 0, "fps": True},
            }
        )
    assert [error["field"] for error in raised.value.extra["errors"]] == [
        "expected_viewers",
        "recording_enabled",
        "audience_regions",
        "quality_settings.resolution",
        "quality_settings.bitrate",
        "quality_settings.fps",
    ]


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x), max_leaves=5))
def test_no_value_breaks_the_reading(value: Any) -> None:
    names = ("expected_viewers", "audience_regions", "recording_enabled", "quality_settings")
    for body in (value, *({name: value} for name in names)):
        try:
            read_launch(body)
        except Problem as problem:
            assert problem.status == 422
