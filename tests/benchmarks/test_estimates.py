from __future__ import annotations

import pytest

from benchmarks.growing.estimates import estimate, law

ROWS = [
    {"sessions": 10.0, "streams": 1.0, "memory": 53.0},
    {"sessions": 20.0, "streams": 1.0, "memory": 73.0},
    {"sessions": 20.0, "streams": 5.0, "memory": 85.0},
    {"sessions": 40.0, "streams": 5.0, "memory": 125.0},
]
"""30 + 2 a session + 3 a stream"""


def test_a_line_through_points_on_a_plane_is_that_plane() -> None:
    found = law([{**row, "value": row["memory"]} for row in ROWS], ("sessions", "streams"))
    assert found.base == pytest.approx(30)
    assert found.slopes == {"sessions": pytest.approx(2), "streams": pytest.approx(3)}
    assert found.residual == pytest.approx(0, abs=1e-9)


def test_the_largest_deviation_is_told() -> None:
    found = law([{"n": one, "value": value} for one, value in ((0, 0), (1, 3), (2, 0))], ("n",))
    assert (found.base, found.slopes["n"], found.residual) == pytest.approx((1, 0, 2))


def test_without_a_driver_the_mean_counts() -> None:
    assert estimate("p", "w", "B", [{"row": 10.0}, {"row": 14.0}], "row", {}).value == pytest.approx(12)


def test_a_target_beyond_the_points_is_extrapolated() -> None:
    one = estimate("viewers", "memory", "MB", ROWS, "memory", {"sessions": 100, "streams": 10})
    assert one.value == pytest.approx(260)
    assert one.cells[-1] == "extrapolated"
    assert one.cells[2] == "10, 20, 40 sessions; 1, 5 streams"


def test_a_target_that_was_run_counts_as_it_was_measured() -> None:
    rows = [*ROWS, {"sessions": 100.0, "streams": 10.0, "memory": 271.0}]
    one = estimate("viewers", "memory", "MB", rows, "memory", {"sessions": 100, "streams": 10})
    assert (one.value, one.measured, one.cells[-1]) == (271, True, "measured")
