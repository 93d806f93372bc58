"""The simulation answers the whole contract from its seed, and says that it is one."""

from __future__ import annotations

import pytest

from bridge.config import Config
from bridge.mock import COUNTRIES, ON_AIR_SECONDS, Simulator, divided
from prometheus import queries
from prometheus.queries import SNAPSHOT
from tests.bridge.streams_made import simulated

NOW = 1_795_425_442.0
STREAM = "base-camp"
MARKED = (
    f"/analytics/real-time/{STREAM}",
    f"/analytics/streams/{STREAM}",
    f"/analytics/streams/{STREAM}/metrics",
    f"/analytics/streams/{STREAM}/sessions",
    f"/analytics/comprehensive/{STREAM}",
    "/analytics/historical/all",
    "/analytics/summary",
    "/analytics/geographic",
    "/analytics/devices",
    "/analytics/overview",
    "/analytics/viewership",
    "/analytics/audience",
    "/analytics/performance/summary",
    "/analytics/revenue/breakdown",
    "/analytics/goals/all",
)


@pytest.mark.parametrize("path", MARKED)
def test_every_answer_is_marked_as_simulated(path: str) -> None:
    answer = simulated()[0].test_client().get(f"/api/v1{path}")
    assert (answer.status_code, answer.json["meta"]["mock"]) == (200, True)


def test_streams_can_be_planned_changed_started_and_stopped() -> None:
    client = simulated()[0].test_client()
    made = client.post("/api/streams", json={"title": "Tonight"})
    assert made.status_code == 201
    path = f"/api/streams/{made.json['id']}"
    assert client.patch(path, json={"title": "Tomorrow"}).json["title"] == "Tomorrow"
    assert client.post(f"{path}/start").status_code == 200
    assert client.post(f"{path}/start").status_code == 409
    assert client.post(f"{path}/stop").status_code == 200
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404


def test_media_servers_can_be_launched_watched_and_stopped() -> None:
    client = simulated()[0].test_client()
    launched = client.post(f"/api/containers/launch/{STREAM}", json={"expected_viewers": 50})
    assert launched.status_code == 200
    assert client.post(f"/api/containers/launch/{STREAM}").status_code == 409
    container = launched.json["container_id"]
    assert client.get(f"/api/containers/status/{container}").json["status"] == "running"
    assert client.get(f"/api/containers/logs/{container}").json["logs"][0]["message"].startswith("a simulated")
    assert client.post(f"/api/containers/stop/{container}").json["status"] == "stopped"


def test_events_are_taken() -> None:
    answer = simulated()[0].test_client().post("/api/analytics/events", json={"streamId": STREAM, "eventType": "like"})
    assert answer.status_code == 202


def test_the_same_seed_gives_the_same_numbers_and_another_others() -> None:
    def viewers(seed: int) -> dict[tuple[str, ...], float]:
        return Simulator(seed).instant(queries.VIEWERS, NOW)

    assert viewers(7) == viewers(7)
    assert viewers(7) != viewers(8)


def test_imagined_history_is_the_same_for_the_same_question() -> None:
    client = simulated(Config(auth="off", mock_seed=3))[0].test_client()
    path = "/api/v1/analytics/devices?period=week"
    assert client.get(path).json["devices"] == client.get(path).json["devices"]


def test_parts_add_up_to_the_whole() -> None:
    simulator = Simulator()
    viewers = simulator.instant(queries.VIEWERS, NOW)
    for query in (queries.VIEWERS_BY_COUNTRY, queries.VIEWERS_BY_DEVICE, queries.VIEWERS_BY_VARIANT):
        parts = simulator.instant(query, NOW)
        for (stream,), total in viewers.items():
            assert sum(value for (name, _), value in parts.items() if name == stream) == total


def test_a_whole_number_is_divided_without_loss() -> None:
    for total in range(60):
        assert sum(value for _, value in divided(total, COUNTRIES)) == total


def test_the_peak_is_at_least_what_was_seen_each_minute() -> None:
    stream = Simulator().streams[0]
    start = stream.started(NOW)
    assert stream.peak(start + 3600) == max(stream.viewers(int(start) + 60 * minute) for minute in range(1, 60))


def test_lifetime_counts_never_fall_within_a_broadcast() -> None:
    stream = Simulator().streams[1]
    start = stream.started(NOW)
    counts = [stream.plays(start + second) for second in range(0, ON_AIR_SECONDS, 97)]
    assert counts == sorted(counts)


def test_every_query_of_the_catalogue_that_the_live_numbers_need_is_answered() -> None:
    simulator = Simulator()
    silent = {query.name for query in SNAPSHOT if not simulator.instant(query, NOW)}
    assert silent <= {"stream_dropped_frames", "stream_reconnects", "session_states", "sources_up"}
