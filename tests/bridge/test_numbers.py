"""Each number is the recorded series in the contract's unit; what nobody says is 0."""

from __future__ import annotations

from bridge import numbers, stream_metrics
from bridge.snapshot import HOPS, StreamState
from prometheus import queries
from tests.bridge.streams_made import snapshot_of

ANSWERS = {
    queries.EXPORTERS_UP: {(hop,): 1.0 for hop in HOPS},
    queries.STREAM_UP: {("s",): 1.0},
    queries.STREAM_FIRST_START: {("s",): 400.0},
    queries.STREAM_AVAILABLE: {("s",): 0.987654},
    queries.PLAYLIST_AGE: {("s",): 1.0},
    queries.PLAYLIST_STALE: {("s",): 0.0},
    queries.VIEWERS: {("s",): 12.0},
    queries.PEAK_VIEWERS: {("s",): 15.0},
    queries.PLAYS: {("s",): 40.0},
    queries.AVERAGE_VIEW: {("s",): 25.0},
    queries.ENGAGEMENTS: {("s", "chat_message"): 7.0, ("s", "like"): 5.0, ("s", "reaction"): 3.0, ("s", "share"): 2.0},
    queries.EDGE_BYTES: {("s",): 250_000.0},
    queries.EDGE_ERROR_RATIO: {("s",): 0.0123},
    queries.EDGE_TTFB: {("s",): 0.0456},
    queries.STALL_RATIO: {("s",): 0.02},
    queries.STARTUP_P50: {("s",): 1.25},
    queries.LIVE_EDGE_LATENCY: {("s",): 4.0},
}


def test_every_number_has_the_contracts_unit() -> None:
    assert numbers.stream_numbers(snapshot_of(ANSWERS).streams["s"]) == {
        "currentViewers": 12,
        "peakViewers": 15,
        "totalViews": 40,
        "avgViewDuration": 25,
        "chatMessages": 7,
        "bandwidth": 2000,
        "quality": 98,
        "buffering": 2,
        "errors": 123,
        "latency": 45.6,
        "liveLatency": 4,
        "errorRate": 1.23,
        "uptime": 98.765,
        "likes": 5,
        "reactions": 3,
        "shares": 2,
        "startupTime": 1.25,
    }


def test_a_stream_nobody_speaks_of_is_all_zeros() -> None:
    assert set(numbers.stream_numbers(StreamState("s", missing=tuple(HOPS))).values()) == {0}


def test_latency_reported_by_players_goes_before_the_playlists() -> None:
    state = snapshot_of({**ANSWERS, queries.LIVE_LATENCY_P50: {("s",): 6.5}}).streams["s"]
    assert numbers.stream_numbers(state)["liveLatency"] == 6.5


def test_viewers_without_stalls_watch_smoothly() -> None:
    answers = {query: values for query, values in ANSWERS.items() if query is not queries.STALL_RATIO}
    live = numbers.stream_numbers(snapshot_of(answers).streams["s"])
    assert (live["quality"], live["buffering"]) == (100, 0)


def test_the_peak_is_never_below_now() -> None:
    state = snapshot_of({**ANSWERS, queries.PEAK_VIEWERS: {("s",): 3.0}}).streams["s"]
    assert numbers.stream_numbers(state)["peakViewers"] == 12


def test_countries_have_names_and_the_rest_is_folded() -> None:
    codes = ["DE", "US", "ZZ", "_other", *(f"{a}{b}" for a in "QX" for b in "ABCDEFGHIJKL")]
    split = {("s", code): 5.0 if code == "DE" else 1.0 for code in codes}
    named = numbers.countries(snapshot_of({queries.VIEWERS_BY_COUNTRY: split}).streams["s"])
    assert named["Germany"] == 5
    assert len(named) == 21
    assert sum(named.values()) == len(codes) + 4
    assert list(named)[-1] == "Other"


def test_viewers_of_unknown_place_are_unknown() -> None:
    state = snapshot_of({queries.VIEWERS_BY_COUNTRY: {("s", "ZZ"): 2.0, ("s", "US"): 0.0}}).streams["s"]
    assert numbers.countries(state) == {"Unknown": 2}


def test_a_tv_is_a_smart_tv() -> None:
    state = snapshot_of({queries.VIEWERS_BY_DEVICE: {("s", "tv"): 2.0, ("s", "mobile"): 0.0}}).streams["s"]
    assert numbers.split_counts(state, queries.VIEWERS_BY_DEVICE, numbers.DEVICES) == {"smart tv": 2}


PLATFORM = {
    queries.STREAM_UP: {("a",): 1.0, ("b",): 1.0, ("c",): 0.0},
    queries.VIEWERS: {("a",): 10.0, ("b",): 5.0, ("c",): 1.0},
    queries.REVENUE_TODAY: {("a",): 2.5, ("b",): 1.25},
    queries.EDGE_FAILED: {("a",): 1.0, ("b",): 0.0},
    queries.EDGE_REQUESTS: {("a",): 30.0, ("b",): 10.0},
    queries.ENGAGED_SESSIONS: {("a",): 1.0, ("b",): 1.0},
    queries.SESSION_STARTS: {("a",): 2.0, ("b",): 8.0},
    queries.CLUSTER_ERROR_RATIO: {(): 0.5},
    queries.CLUSTER_ENGAGED_RATIO: {(): 0.25},
    queries.HOST_CPU: {(): 0.42},
}


def test_the_platforms_ratios_are_the_recorded_ones() -> None:
    assert numbers.platform_numbers(snapshot_of(PLATFORM), None) == {
        "totalViewers": 16,
        "activeStreams": 2,
        "revenueToday": 3.75,
        "avgEngagement": 25,
        "errorRate": 50,
        "serverLoad": 42,
    }


def test_a_tenants_ratios_are_those_of_its_streams() -> None:
    assert numbers.platform_numbers(snapshot_of(PLATFORM), lambda stream: stream != "b") == {
        "totalViewers": 11,
        "activeStreams": 1,
        "revenueToday": 2.5,
        "avgEngagement": 50,
        "errorRate": 3.333,
        "serverLoad": 42,
    }


def test_a_stream_is_starting_live_in_error_or_ended() -> None:
    def status(**changes: float) -> str:
        answers = {**ANSWERS, queries.STREAM_START: {("s",): 990.0}}
        for name, value in changes.items():
            answers[getattr(queries, name)] = {("s",): value}
        if changes.get("PLAYLIST_AGE") == -1:
            del answers[queries.PLAYLIST_AGE]
        return stream_metrics.status(snapshot_of(answers).streams["s"], 1000.0)

    assert status() == "live"
    assert status(PLAYLIST_STALE=1.0) == "error"
    assert status(PLAYLIST_AGE=-1) == "starting"
    assert status(PLAYLIST_AGE=-1, STREAM_START=900.0) == "live"
    assert status(STREAM_UP=0.0) == "ended"


def test_a_stream_over_its_whole_time() -> None:
    body = stream_metrics.streaming_metrics(snapshot_of(ANSWERS).streams["s"], 1000.0, "A title")
    assert body["startTime"] == "1970-01-01T00:06:40.000Z"
    assert (body["duration"], body["title"], body["status"]) == (600, "A title", "live")
    assert (body["totalViewers"], body["peakViewers"], body["averageViewTime"]) == (40, 15, 25)
