"""The poller asks the whole catalogue each tick, survives refusals and outages, and tells its listeners."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event

import pytest

from bridge.poller import Poller
from bridge.promapi import PrometheusUnreachableError, QueryRefusedError
from bridge.snapshot import Snapshot, SnapshotStore
from prometheus import queries
from prometheus.queries import SNAPSHOT, Query


class Answers:
    """A source of fixed answers that refuses some queries, or is away altogether."""

    def __init__(self, refused: frozenset[str] = frozenset()) -> None:
        self.asked: list[str] = []
        self.refused = refused
        self.away = False

    def instant(self, query: Query, at: float) -> Mapping[tuple[str, ...], float]:
        self.asked.append(query.name)
        if self.away:
            raise PrometheusUnreachableError("refused")
        if query.name in self.refused:
            raise QueryRefusedError("unknown function")
        return {("demo",): 4.0} if query is queries.VIEWERS else {}


def test_one_tick_asks_every_query_once() -> None:
    source, store = Answers(), SnapshotStore()
    poller = Poller(source, store, clock=lambda: 1000.0)
    snapshot = poller.take()
    poller.stop()
    assert sorted(source.asked) == sorted(query.name for query in SNAPSHOT)
    assert store.present is snapshot
    assert (snapshot.taken, snapshot.streams["demo"].value(queries.VIEWERS)) == (1000.0, 4.0)


def test_a_refused_query_takes_no_other_along() -> None:
    poller = Poller(Answers(frozenset({"edge_ttfb", "plays"})), SnapshotStore())
    assert poller.take().streams["demo"].value(queries.VIEWERS) == 4.0
    poller.stop()


def test_an_outage_keeps_the_last_snapshot() -> None:
    source, store = Answers(), SnapshotStore()
    poller = Poller(source, store)
    last = poller.take()
    source.away = True
    with pytest.raises(PrometheusUnreachableError):
        poller.take()
    poller.stop()
    assert store.present is last


def test_turns_go_on_after_an_outage_and_are_reported() -> None:
    source, store, recovered = Answers(), SnapshotStore(), Event()
    source.away = True
    seen: list[bool] = []

    def turned(reached: bool, seconds: float) -> None:
        seen.append(reached)
        source.away = False
        if reached:
            recovered.set()

    poller = Poller(source, store, 0.05, on_turn=turned)
    poller.start()
    assert recovered.wait(10)
    poller.stop()
    assert seen[0] is False
    assert store.present is not None


def test_listeners_hear_of_each_snapshot() -> None:
    heard = []
    poller = Poller(Answers(), SnapshotStore(), listeners=[heard.append])
    snapshot = poller.take()
    poller.stop()
    assert heard == [snapshot]


def test_a_turn_that_fails_by_our_own_fault_is_reported_too() -> None:
    seen: list[bool] = []

    def faulty(snapshot: Snapshot) -> None:
        raise ValueError("a listener's fault")

    poller = Poller(
        Answers(), SnapshotStore(), listeners=[faulty], on_turn=lambda reached, seconds: seen.append(reached)
    )
    with pytest.raises(ValueError, match="a listener's fault"):
        poller.take_turn()
    poller.stop()
    assert seen == [True]
