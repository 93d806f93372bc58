"""Targets: how media servers are named in the settings."""

from __future__ import annotations

import pytest

from exporters.errors import ConfigError
from exporters.rtmp.targets import Target, parse_target, parse_targets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=nginx-rtmp+http://h/stat", Target("a", "nginx-rtmp", ("http://h/stat",), 1)),
        ("a=nginx-rtmp*4+http://h/stat", Target("a", "nginx-rtmp", ("http://h/stat",), 4)),
        ("a=nginx-rtmp+http://h:1/s|http://h:2/s", Target("a", "nginx-rtmp", ("http://h:1/s", "http://h:2/s"), 2)),
        ("b=srs+http://h:1985", Target("b", "srs", ("http://h:1985",), 1)),
        ("c=mediamtx+https://h:9997/v3", Target("c", "mediamtx", ("https://h:9997/v3",), 1)),
    ],
)
def test_a_target_names_its_backend_and_its_urls(text: str, expected: Target) -> None:
    assert parse_target("RTMP_TARGETS", text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "http://h/stat", "a=srs+ftp://h/", "a=srs+http://", "a=nginx-rtmp*x+http://h"],
)
def test_anything_else_stops_the_start_and_names_the_variable(text: str) -> None:
    with pytest.raises(ConfigError, match="RTMP_TARGETS"):
        parse_target("RTMP_TARGETS", text)


def test_two_targets_cannot_have_one_name() -> None:
    with pytest.raises(ConfigError, match="two targets are named a"):
        parse_targets("RTMP_TARGETS", ["a=srs+http://h", "a=srs+http://i"])


def test_loopback_addresses_are_local() -> None:
    assert parse_target("T", "a=srs+http://127.0.0.1:1").is_local
    assert parse_target("T", "a=srs+http://[::1]:1").is_local
    assert not parse_target("T", "a=srs+http://media:1").is_local
