"""The snapshot folds answers by stream, says what is missing, and knows its age."""

from __future__ import annotations

import pytest

from bridge.problems import Problem
from bridge.snapshot import SnapshotStore, build
from prometheus import queries
from tests.bridge.streams_made import snapshot_of

UP = {queries.EXPORTERS_UP: {(hop,): 1.0 for hop in ("rtmp", "hls", "cdn", "viewers")}}


def test_answers_are_folded_by_stream() -> None:
    snapshot = snapshot_of(
        {
            **UP,
            queries.VIEWERS: {("a",): 5.0, ("b",): 7.0},
            queries.VIEWERS_BY_DEVICE: {("a", "tv"): 2.0, ("a", "mobile"): 3.0},
            queries.HOST_CPU: {(): 0.4},
        }
    )
    assert list(snapshot.streams) == ["a", "b"]
    assert snapshot.streams["a"].value(queries.VIEWERS) == 5.0
    assert dict(snapshot.streams["a"].split(queries.VIEWERS_BY_DEVICE)) == {"tv": 2.0, "mobile": 3.0}
    assert snapshot.streams["b"].split(queries.VIEWERS_BY_DEVICE) == {}
    assert snapshot.platform(queries.HOST_CPU) == 0.4


def test_a_hop_that_says_nothing_about_a_stream_is_missing_there() -> None:
    snapshot = snapshot_of({**UP, queries.VIEWERS: {("a",): 5.0}, queries.STREAM_UP: {("a",): 1.0}})
    assert snapshot.streams["a"].missing == ("hls", "cdn")
    assert snapshot.missing == ()


def test_a_hop_whose_exporter_is_down_is_missing_everywhere() -> None:
    up = {queries.EXPORTERS_UP: {("rtmp",): 1.0, ("hls",): 1.0, ("viewers",): 1.0, ("cdn",): 0.0}}
    snapshot = snapshot_of({**up, queries.EDGE_BYTES: {("a",): 5.0}})
    assert snapshot.missing == ("cdn",)
    assert "cdn" in snapshot.streams["a"].missing


def test_a_hop_whose_source_fails_is_missing() -> None:
    snapshot = snapshot_of({**UP, queries.SOURCES_UP: {("rtmp",): 0.0, ("hls",): 1.0}})
    assert snapshot.missing == ("rtmp",)


def test_a_hop_never_heard_of_is_missing() -> None:
    assert build(0, {}).missing == ("rtmp", "hls", "cdn", "viewers")


def test_the_folded_rest_of_a_bound_is_no_stream() -> None:
    assert list(snapshot_of({queries.VIEWERS: {("_other",): 5.0, ("a",): 1.0}}).streams) == ["a"]


def test_live_streams_are_those_publishing() -> None:
    snapshot = snapshot_of({queries.STREAM_UP: {("a",): 1.0, ("b",): 0.0}})
    assert [state.stream for state in snapshot.live()] == ["a"]


def test_a_store_without_a_snapshot_answers_503() -> None:
    with pytest.raises(Problem) as caught:
        SnapshotStore().latest()
    assert caught.value.status == 503
    assert caught.value.headers == {"Retry-After": "2"}


def test_a_snapshot_becomes_stale_and_then_too_old() -> None:
    now = 1000.0
    store = SnapshotStore(stale_after_seconds=6, limit_seconds=60, clock=lambda: now)
    store.swap(snapshot_of(UP, taken=1000.0))
    assert store.meta(store.latest()) == {
        "asOf": "1970-01-01T00:16:40.000Z",
        "ageSeconds": 0.0,
        "stale": False,
        "missing": [],
    }
    now = 1007.0
    assert store.meta(store.latest())["stale"] is True
    assert store.meta(store.latest())["ageSeconds"] == 7.0
    now = 1061.0
    with pytest.raises(Problem) as caught:
        store.latest()
    assert caught.value.status == 503


def test_simulated_numbers_are_marked() -> None:
    store = SnapshotStore(mock=True)
    assert store.meta(snapshot_of(UP))["mock"] is True
