from __future__ import annotations

import asyncio

import pytest

from exporters import metrics
from exporters.exposition import HistogramCell
from exporters.hls.pacing import Budget, Pace, reload_seconds


@pytest.mark.parametrize(
    ("target", "changed", "seconds"), [(2, True, 2), (2, False, 1), (6, True, 6), (0.1, False, 0.25), (300, True, 30)]
)
def test_a_changed_playlist_waits_a_target_duration_and_an_unchanged_one_half(
    target: float, changed: bool, seconds: float
) -> None:
    assert reload_seconds(target, changed) == seconds


def test_lateness_is_what_passed_since_due() -> None:
    lag = HistogramCell(metrics.HLS_PROBE_LAG, ())
    pace = Pace(lag, clock=lambda: 100.0, spread=lambda: 0.5)
    assert asyncio.run(pace.until(99.75)) == 100.0
    assert (sum(lag.counts), lag.sum) == (1, 0.25)


def test_the_first_interval_is_between_half_and_whole() -> None:
    lag = HistogramCell(metrics.HLS_PROBE_LAG, ())
    assert Pace(lag, spread=lambda: 0.0).first(2.0) == 1.0
    assert Pace(lag, spread=lambda: 1.0).first(2.0) == 2.0


def test_a_budget_spaces_turns_and_saves_none_up() -> None:
    now = 100.0
    budget = Budget(2.0, clock=lambda: now)
    assert [budget.reserve() for _ in range(3)] == [0.0, 0.5, 1.0]
    now = 110.0
    assert [budget.reserve() for _ in range(2)] == [0.0, 0.5]
