"""A bridge over a real Prometheus and a real PostgreSQL: the same numbers everywhere, and what happens without them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.sync.client import connect

from exporters import metrics
from prometheus import queries
from tests import servers
from tests.bridge.platform import Platform, bridge, platform

pytestmark = pytest.mark.live
STREAM = "demo"
LIMIT_SECONDS = 12


@dataclass
class World:
    """A live platform whose Prometheus and database can be stopped and started again."""

    folder: Path
    platform: Platform
    url: str = ""
    prometheus_port: int = field(default_factory=servers.free_port)
    database_port: int = field(default_factory=servers.free_port)
    prometheus: ExitStack = field(default_factory=ExitStack)
    database: ExitStack = field(default_factory=ExitStack)

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self.prometheus_port}"

    def start_prometheus(self) -> None:
        folder = self.folder / "prometheus"
        self.prometheus.enter_context(
            servers.prometheus(folder, self.platform.prometheus_config(), self.prometheus_port)
        )

    def start_database(self) -> str:
        return self.database.enter_context(servers.postgres(self.folder / "database", port=self.database_port))

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=10)

    def message(self, path: str) -> Any:
        """The first message of a socket."""
        with connect(self.url.replace("http", "ws", 1) + path, proxy=None) as ws:
            return json.loads(ws.recv(timeout=5))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    (folder / "prometheus").mkdir()
    (folder / "database").mkdir()
    with platform(folder / "prometheus") as hops, ExitStack() as ending:
        one = World(folder, hops)
        ending.callback(one.prometheus.close)
        ending.callback(one.database.close)
        hops.publish(STREAM, 12)
        database_url = one.start_database()
        one.start_prometheus()
        environ = {
            "PROMETHEUS_URL": one.prometheus_url,
            "DATABASE_URL": database_url,
            "BRIDGE_STALE_LIMIT_SECONDS": str(LIMIT_SECONDS),
            "BRIDGE_QUERY_TIMEOUT_SECONDS": "2",
        }
        one.url = ending.enter_context(bridge(folder, environ))
        live = f"/api/v1/analytics/real-time/{STREAM}"
        servers.wait_until(lambda: one.get(live).status_code == 200, "the stream")
        yield one


def test_every_value_is_the_same_in_rest_websocket_and_the_recorded_series(world: World) -> None:
    # Rates need two scrapes of a counter that has grown.
    cdn = world.platform.hops["cdn"]
    for step in range(8):
        cdn.set(metrics.CDN_REQUESTS, 1000 + step * 90, "nginx", STREAM, "segment", "2xx", "hit")
        cdn.set(metrics.CDN_REQUESTS, step * 10, "nginx", STREAM, "segment", "5xx", "miss")
        cdn.set(metrics.CDN_RESPONSE_BYTES, 1e6 + step * 5e5, "nginx", STREAM, "segment", "hit")
        cdn.set(metrics.CDN_STREAM_TTFB_SECONDS, step * 3.0, STREAM)
        cdn.set(metrics.CDN_STREAM_TTFB_REQUESTS, step * 100, STREAM)
        time.sleep(1)  # the test's own time is what is measured here: a counter grows second by second

    def settled() -> dict[str, Any] | None:
        rest = world.get(f"/api/v1/analytics/real-time/{STREAM}").json()
        socket = world.message(f"/api/ws/streams/{STREAM}/metrics")
        return rest if rest["meta"]["asOf"] == socket["meta"]["asOf"] and _same(socket["data"], rest) else None

    rest = servers.wait_until(settled, "REST and WebSocket to speak of the same snapshot")
    taken = rest["meta"]["asOf"]
    recorded = {query: _at(world, query, taken) for query in EXACT}
    assert {query.name: rest[name] for query, (name, factor) in EXACT.items()} == {
        query.name: pytest.approx(recorded[query] * factor, abs=0.001) for query, (name, factor) in EXACT.items()
    }
    assert rest["errorRate"] > 0
    assert rest["errors"] == round(recorded[queries.EDGE_ERROR_RATIO] * 10_000)


EXACT = {
    queries.VIEWERS: ("currentViewers", 1),
    queries.PEAK_VIEWERS: ("peakViewers", 1),
    queries.PLAYS: ("totalViews", 1),
    queries.AVERAGE_VIEW: ("avgViewDuration", 1),
    queries.EDGE_BYTES: ("bandwidth", 8 / 1000),
    queries.EDGE_TTFB: ("latency", 1000),
    queries.EDGE_ERROR_RATIO: ("errorRate", 100),
    queries.STREAM_AVAILABLE: ("uptime", 100),
    queries.LIVE_EDGE_LATENCY: ("liveLatency", 1),
}
"""Each number of the contract with the recorded series it is, and the unit's factor."""


def _same(numbers: dict[str, Any], rest: dict[str, Any]) -> bool:
    return numbers == {name: rest[name] for name in numbers}


def _at(world: World, query: queries.Query, instant: str) -> float:
    """The recorded series at the snapshot's instant."""
    parameters = {"query": query.promql, "time": instant}
    rows = requests.get(f"{world.prometheus_url}/api/v1/query", params=parameters, timeout=5).json()["data"]["result"]
    return next(float(row["value"][1]) for row in rows if row["metric"].get("stream") == STREAM)


def test_a_viewer_who_joins_is_seen_on_the_socket(world: World) -> None:
    world.platform.hops["viewers"].set(metrics.VIEWER_CONCURRENT, 13, STREAM)
    with connect(world.url.replace("http", "ws", 1) + f"/api/ws/streams/{STREAM}/metrics", proxy=None) as ws:
        while json.loads(ws.recv(timeout=10))["data"]["currentViewers"] != 13:
            pass


def test_a_hop_that_goes_away_is_named_and_its_numbers_are_zero(world: World) -> None:
    world.platform.running["viewers"].stop()
    body = servers.wait_until(
        lambda: (one := world.get(f"/api/v1/analytics/real-time/{STREAM}").json())["currentViewers"] == 0 and one,
        "the numbers of the hop to go",
    )
    assert body["meta"]["missing"] == ["viewers"]
    assert (body["totalViews"], body["quality"], body["liveLatency"]) == (0, 0, 3.5)


def test_live_numbers_need_no_database(world: World) -> None:
    world.database.close()
    servers.wait_until(
        lambda: not world.get("/readyz").json()["dependencies"]["database"]["ready"], "the database to be away"
    )
    assert world.get("/readyz").status_code == 200
    assert world.get(f"/api/v1/analytics/real-time/{STREAM}").status_code == 200
    assert world.get(f"/api/v1/analytics/streams/{STREAM}/metrics").status_code == 200
    assert world.message("/api/ws/analytics/realtime")["data"]["activeStreams"] == 1
    needs_it = requests.post(f"{world.url}/api/streams", json={"title": "Tonight"}, timeout=15)
    assert needs_it.status_code == 503
    assert int(needs_it.headers["Retry-After"]) >= 1
    world.start_database()
    servers.wait_until(
        lambda: requests.post(f"{world.url}/api/streams", json={"title": "Tonight"}, timeout=15).status_code == 201,
        "the database to be used again",
    )


def test_without_prometheus_the_last_numbers_go_on_marked_and_then_end(world: World) -> None:
    path = f"/api/v1/analytics/streams/{STREAM}"
    before = world.get(path)
    assert before.json()["meta"]["stale"] is False
    world.prometheus.close()
    stale = servers.wait_until(lambda: (one := world.get(path).json())["meta"]["stale"] and one, "the stale mark")
    assert stale["likes"] == before.json()["likes"]
    assert stale["meta"]["ageSeconds"] > 2
    assert world.message(f"/api/ws/streams/{STREAM}/metrics")["meta"]["stale"] is True
    assert world.get("/readyz").status_code == 503
    (ended,) = servers.wait_until(lambda: (one := world.get(path)).status_code == 503 and (one,), "503")
    assert ended.headers["Content-Type"] == "application/problem+json"
    assert int(ended.headers["Retry-After"]) >= 1
    assert world.get("/healthz").status_code == 200
    world.start_prometheus()
    servers.wait_until(lambda: world.get(path).json()["meta"]["stale"] is False, "fresh numbers")
