"""Rate limits that bridges share in a Redis: none of its failures fails a request."""

from __future__ import annotations

import socket
import time

import pytest

from bridge.config import Config
from bridge.limits import AWAY_SECONDS, REDIS_SECONDS, RateLimits
from bridge.problems import Problem
from exporters.errors import ConfigError


def limits(place: str, steady: list[float]) -> RateLimits:
    return RateLimits(Config(rate_limit_storage=place, rate_limit_address="3/minute"), steady=lambda: steady[0])


def test_while_redis_is_away_a_bridge_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    ours = limits("redis://:hunter2@127.0.0.1:1/0", [0.0])
    for _ in range(3):
        ours.count_address("a")
    with pytest.raises(Problem) as refused:
        ours.count_address("a")
    assert refused.value.status == 429
    ours.count_address("b")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "this bridge counts for itself" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_redis_that_is_silent_costs_one_request_a_short_wait_now_and_then() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        steady = [0.0]
        ours = limits(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", steady)
        waits = []
        for at in (0.0, 0.1, AWAY_SECONDS + 1, AWAY_SECONDS + 2):
            steady[0], begun = at, time.monotonic()
            ours.count_address(f"{at}")
            waits.append(time.monotonic() - begun > REDIS_SECONDS / 2)
    assert waits == [True, False, True, False]


@pytest.mark.parametrize(
    "place",
    ["redis", "memory", "", "a:1", "postgresql://a", "memcached://a", "redis+cluster://a:1", "redis://a:hunter2"],
)
def test_a_storage_that_is_none_is_refused_without_its_value(place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        limits(place, [0.0])
    assert str(refused.value) == "BRIDGE_RATE_LIMIT_STORAGE must be memory:// or like redis://127.0.0.1:6379/0"
