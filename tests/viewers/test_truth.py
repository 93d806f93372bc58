"""The engine against the brute-force model: any order, duplicates, losses, restarts and numbers of shards."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from exporters.viewers.inputs import StreamLive, StreamOver
from tests.viewers.brute_force import Away, Told, Truth, truth
from tests.viewers.making import START, Clock, Kept, report

PHASES = (Phase.explicit, Phase.generate)
"""Making a failing trace smaller takes minutes; add Phase.shrink when one is found."""
RATES = (250_000.0, 500_000.0, 1_000_000.0)


@dataclass(frozen=True)
class Trace:
    """What arrives, when the process is killed, and how many shards there are."""

    arrivals: tuple[Told, ...]
    kills: tuple[int, ...]
    saves: tuple[int, ...]
    shards: int


KILLED_IN_SILENCE = Trace(
    (
        Told(START + 56.567, "viewer1", 2, START + 56.567, "p", 250_000.0),
        Told(START + 71.657, "viewer1", 5, START + 71.657, "p", 250_000.0),
    ),
    kills=(1,),
    saves=(),
    shards=1,
)
"""A report that comes just after its session's patience is over, but not to a process that was away meanwhile"""


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Some viewers with clocks of their own, over a network that reorders, repeats and loses."""
    arrivals: list[Told] = []
    for viewer in range(draw(st.integers(1, 5))):
        time = START + draw(st.floats(0, 20))
        skew = draw(st.sampled_from([0.0, -3600.0, 12.5, 86400.0 * 400]))
        steps = draw(
            st.lists(
                st.tuples(st.floats(0.05, 9.0), st.sampled_from("spppprkap"), st.sampled_from(RATES)),
                min_size=1,
                max_size=12,
            )
        )
        end = draw(st.sampled_from(["", "", "e", "q"]))
        rows = [(wait, state, rate) for wait, state, rate in steps] + ([(0.5, end, -1.0)] if end else [])
        for number, (wait, state, rate) in enumerate(rows):
            time += wait + (draw(st.sampled_from([0.0] * 9 + [40.0])) if state not in "eq" else 0.0)
            told = Told(time + draw(st.floats(0, 4)), f"viewer{viewer}", number, time + skew, state, rate)
            if draw(st.integers(0, 9)) == 0:
                continue  # lost
            arrivals.append(told)
            if draw(st.integers(0, 4)) == 0:
                again = draw(st.floats(0.01, 3))
                arrivals.append(Told(told.arrived + again, told.session, number, told.clock, state, rate))
    arrivals.sort(key=lambda one: one.arrived)
    places = st.lists(st.integers(0, max(0, len(arrivals) - 1)), max_size=4)
    return Trace(tuple(arrivals), tuple(draw(places)), tuple(draw(places)), draw(st.integers(1, 4)))


@dataclass(frozen=True)
class Played:
    """A trace that went through shards: when they ticked, and by session when its shard was away."""

    shards: list[Kept]
    ticks: list[float]
    away: dict[str, list[Away]]


def run(trace: Trace, folder: Path) -> Played:
    """Send a trace through shards; a tick each second; then the stream ends."""
    clock = Clock()
    shards = [Kept(folder / str(number), clock, f"{number}/{trace.shards}") for number in range(trace.shards)]
    for one in shards:
        one.shard.take([StreamLive("demo", START, START)])
    ticks: list[float] = []
    away: dict[str, list[Away]] = {told.session: [] for told in trace.arrivals}
    now = START
    for index, told in enumerate(trace.arrivals):
        while now + 1.0 <= told.arrived:
            now += 1.0
            ticks.append(now)
            for one in shards:
                one.tick(now)
        clock.now = told.arrived
        home = shards[_home(told.session, trace)]
        if index in trace.kills:
            gap = Away(home.shard.engine.now, told.arrived)
            for session, gaps in away.items():
                if _home(session, trace) == _home(told.session, trace):
                    gaps.append(gap)
            home.kill()
            home.start()
        if index in trace.saves:
            home.store.checkpoint()
        home.shard.take(
            [
                report(
                    told.session,
                    told.arrived,
                    time=told.clock,
                    sequence=told.number,
                    state=told.state,
                    rate=told.rate,
                    transport="json",
                    interval=5.0,
                )
            ]
        )
    for _ in range(200):
        now += 1.0
        for one in shards:
            one.tick(now)
    for one in shards:
        one.shard.take([StreamOver("demo", now)])
        one.tick(now + 61.0)
        one.kill()
    return Played(shards, ticks, away)


def _home(session: str, trace: Trace) -> int:
    return crc32(session.encode()) % trace.shards


def totals(shards: list[Kept]) -> Truth:
    """The sum over the shards' broadcast records."""
    rows = [row for one in shards for row in one.rows("broadcast")]
    ended: dict[str, int] = {}
    for one in shards:
        for (_, reason), count in one.shard.tables.ended.items():
            if count:
                ended[reason] = ended.get(reason, 0) + int(count)
    return Truth(
        sum(row["attempts"] for row in rows),
        sum(row["plays"] for row in rows),
        sum(row["views"] for row in rows),
        sum(row["watch_seconds"] for row in rows),
        sum(row["rebuffer_seconds"] for row in rows),
        sum(row["rebuffers"] for row in rows),
        sum(row["exits_before_start"] for row in rows),
        sum(row["switches"] for row in rows),
        ended,
        max((row["peak_concurrent"] for row in rows), default=0),
    )


@settings(max_examples=50, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(traces())
@example(KILLED_IN_SILENCE)
def test_the_sum_over_shards_is_the_truth(trace: Trace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = run(trace, Path(folder))
        expected = truth(list(trace.arrivals), played.ticks, played.away)
        found = totals(played.shards)
        if trace.shards > 1:
            found.peak = expected.peak  # the peak of the sum is not the sum of peaks; one shard shows it
        assert found.watch == pytest.approx(expected.watch, abs=1e-4)
        assert found.stalled == pytest.approx(expected.stalled, abs=1e-4)
        found.watch, found.stalled = expected.watch, expected.stalled
        assert found == expected


@settings(max_examples=15, deadline=None, phases=PHASES, suppress_health_check=[HealthCheck.too_slow])
@given(traces())
def test_session_rows_add_up_to_the_broadcast_totals(trace: Trace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for one in run(trace, Path(folder)).shards:
            (whole,) = one.rows("broadcast")
            rows = one.rows("session")
            assert sum(row["played"] for row in rows) == whole["plays"]
            assert sum(row["viewed"] for row in rows) == whole["views"]
            assert sum(row["rebuffers"] for row in rows) == whole["rebuffers"]
            assert sum(row["switches"] for row in rows) == whole["switches"]
            assert sum(row["watch_seconds"] for row in rows) == pytest.approx(whole["watch_seconds"], abs=1e-4)
            assert sum(row["rebuffer_seconds"] for row in rows) == pytest.approx(whole["rebuffer_seconds"], abs=1e-4)
