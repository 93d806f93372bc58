"""Our own clock is set while viewers watch: nobody is given up, kept, or counted twice for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.viewers.clock_watch import ClockWatch
from exporters.viewers.inputs import AppEvent
from tests.viewers.making import START, Clock, Kept, report

HOUR_SECONDS = 3600.0


class Clocks:
    """Our clock, which can be set, and the players' clock, which goes on."""

    def __init__(self, folder: Path) -> None:
        self.true = Clock()
        self.ours = Clock()
        self.by = 0.0
        watch = ClockWatch(self.ours, self.true)
        self.kept = Kept(folder, self.ours, clock_moved=watch.moved)

    def pass_second(self) -> None:
        self.true.now += 1
        self.ours.now = self.true.now + self.by
        self.kept.tick(self.ours.now)

    def tell(self, session: str, sequence: int, state: str = "p", **values: object) -> None:
        self.kept.shard.take(
            [report(session, self.ours.now, time=self.true.now, sequence=sequence, state=state, **values)]
        )

    @property
    def concurrent(self) -> int:
        return self.kept.shard.engine.broadcasts["demo"].concurrent


@pytest.fixture
def clocks(tmp_path: Path) -> Iterator[Clocks]:
    made = Clocks(tmp_path)
    yield made
    made.kept.kill()


@pytest.mark.parametrize("by", [HOUR_SECONDS, -HOUR_SECONDS])
def test_a_visit_over_a_set_clock_is_one_visit_of_its_true_length(clocks: Clocks, by: float) -> None:
    for second in range(30):
        clocks.by = by if 10 <= second < 20 else 0.0
        clocks.pass_second()
        clocks.tell("a", second)
        assert clocks.concurrent == 1
    clocks.tell("a", 30, "q")
    for _ in range(10):
        clocks.pass_second()
    (row,) = clocks.kept.rows("session")
    assert (row["played"], row["viewed"], row["end_reason"]) == (True, True, "quit")
    assert row["watch_seconds"] == pytest.approx(29, abs=1e-4)
    assert row["joined"] == pytest.approx(START + 1, abs=1e-4)


@pytest.mark.parametrize("by", [HOUR_SECONDS, -HOUR_SECONDS])
def test_a_viewer_who_leaves_without_a_word_is_given_up_as_ever(clocks: Clocks, by: float) -> None:
    for second in range(10):
        clocks.pass_second()
        clocks.tell("a", second, interval=2.0)
    clocks.by = by
    for _ in range(5):
        clocks.pass_second()
    assert clocks.concurrent == 1
    for _ in range(5):
        clocks.pass_second()
    assert clocks.concurrent == 0


@pytest.mark.parametrize("by", [HOUR_SECONDS, -HOUR_SECONDS])
def test_a_set_clock_is_in_the_journal(clocks: Clocks, by: float) -> None:
    for second in range(20):
        clocks.by = by if second >= 10 else 0.0
        clocks.pass_second()
        clocks.tell("a", second)
    clocks.kept.kill()
    clocks.kept.start()
    clocks.tell("a", 20, "q")
    for _ in range(10):
        clocks.pass_second()
    (row,) = clocks.kept.rows("session")
    assert row["watch_seconds"] == pytest.approx(19, abs=1e-4)


def test_a_clock_set_back_while_we_were_away_holds_nobody_back(clocks: Clocks) -> None:
    clocks.pass_second()
    clocks.tell("a", 0, interval=2.0)
    clocks.kept.kill()
    clocks.by = -HOUR_SECONDS
    clocks.ours.now = clocks.true.now + clocks.by
    clocks.kept.start()
    assert clocks.concurrent == 1
    for _ in range(10):
        clocks.pass_second()
    assert clocks.concurrent == 0


@pytest.mark.parametrize("by", [24 * HOUR_SECONDS, HOUR_SECONDS, 2000.0, 700.0])
def test_a_clock_set_ahead_and_back_leaves_no_mark_on_distinct_viewers_and_revenue(clocks: Clocks, by: float) -> None:
    def tip(number: int) -> None:
        now = clocks.ours.now
        clocks.kept.shard.take([AppEvent(str(number), "demo", "tip", now, now, "u", "", 5.0, "USD", "{}")])

    clocks.pass_second()
    clocks.tell("before", 0)
    clocks.by = by
    clocks.pass_second()
    for viewer in range(50):
        clocks.tell(f"meanwhile{viewer}", 0)
    tip(1)
    clocks.by = 0.0
    clocks.pass_second()
    tip(2)
    broadcast = clocks.kept.shard.engine.broadcasts["demo"]

    def distinct(window: str) -> int:
        return round(broadcast.viewers.window(window, clocks.ours.now).estimate())

    assert [distinct(window) for window in ("stream", "1h", "24h")] == [51, 51, 51]
    assert round(broadcast.viewers.today(clocks.ours.now).estimate()) == 51
    assert (broadcast.revenue_day, broadcast.revenue_today) == (int(START) // 86400, 10.0)
    clocks.ours.now += 2 * HOUR_SECONDS
    assert [distinct(window) for window in ("stream", "1h", "24h")] == [51, 0, 51]
