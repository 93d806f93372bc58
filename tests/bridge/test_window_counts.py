"""The counts of rate limits: one window each, forgotten when it has ended."""

from __future__ import annotations

from limits import parse
from limits.strategies import FixedWindowRateLimiter

from bridge.window_counts import SWEEP_SECONDS, WindowCounts


def test_a_window_counts_ends_and_begins_again() -> None:
    now = [1000.0]
    counts = WindowCounts(lambda: now[0])
    limiter, limit = FixedWindowRateLimiter(counts), parse("2/minute")
    assert [limiter.hit(limit, "address", "a") for _ in range(3)] == [True, True, False]
    assert limiter.hit(limit, "address", "b")
    assert limiter.get_window_stats(limit, "address", "a").reset_time == 1060
    now[0] = 1060
    assert limiter.test(limit, "address", "a")
    assert [limiter.hit(limit, "address", "a") for _ in range(3)] == [True, True, False]


def test_windows_that_have_ended_are_forgotten() -> None:
    now = [1000.0]
    counts = WindowCounts(lambda: now[0])
    for number in range(100):
        counts.incr(f"key {number}", 5)
    assert len(counts) == 100
    now[0] += SWEEP_SECONDS
    counts.incr("another", 5)
    assert len(counts) == 1
    assert (counts.get("key 1"), counts.get("another")) == (0, 1)
