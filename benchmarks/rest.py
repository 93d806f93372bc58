"""REST answers from the cached snapshot: requests a second and latency of one worker, beside asking Prometheus.

WebSockets listen meanwhile, and what the clients of both cost Prometheus is counted there.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.processes import family_usage, started_for
from benchmarks.table import Row
from benchmarks.telling import telling
from benchmarks.websocket import load_client
from prometheus.queries import SNAPSHOT
from tests import servers
from tests.bridge.platform import bridge, platform

STREAM = "demo"
SECONDS, QUICK_SECONDS = 10, 2
CONNECTIONS = 32
SOCKETS, ASKED_SECONDS = 200, 6
ROUNDS, QUICK_ROUNDS = 3, 1
UNLIMITED = "100000000/minute"
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries that Prometheus has answered by now, and snapshots that the bridge has taken."""

    queries: float
    snapshots: float

    def beyond(self, before: Asked) -> float:
        """Queries since then that were not for a snapshot."""
        return self.queries - before.queries - (self.snapshots - before.snapshots) * len(SNAPSHOT)


@dataclass(frozen=True, slots=True)
class Load:
    """One run of the load tool: requests a second, and the 99th percentile in milliseconds."""

    a_second: float
    p99: float
    errors: int


def run(quick: bool) -> list[Row]:
    """Load the bridge's live answer and Prometheus' own, one after the other."""
    seconds, rounds = (QUICK_SECONDS, QUICK_ROUNDS) if quick else (SECONDS, ROUNDS)
    environ = {
        "BRIDGE_RATE_LIMIT_ADDRESS": UNLIMITED,
        "BRIDGE_RATE_LIMIT_TOKEN": UNLIMITED,
        "BRIDGE_ACCESS_LOG": "false",
        "BRIDGE_TICK_SECONDS": "2",
        "BRIDGE_BROADCAST_SECONDS": "4",
        "BRIDGE_MAX_SOCKETS_PER_ADDRESS": str(SOCKETS),
        "BRIDGE_METRICS_LISTEN": f"127.0.0.1:{servers.free_port()}",
    }
    ours, asking, beyond = [], [], []
    with tempfile.TemporaryDirectory() as name, platform(Path(name)) as hops, ExitStack() as ending:
        folder = Path(name)
        hops.publish(STREAM, 12)
        source = ending.enter_context(servers.prometheus(folder, hops.prometheus_config()))
        url = ending.enter_context(bridge(folder, {**environ, "PROMETHEUS_URL": source}))
        path = f"{url}/api/v1/analytics/real-time/{STREAM}"
        servers.wait_until(lambda: requests.get(path, timeout=5).status_code == 200, "the stream")
        worker = started_for(url)
        cpu = 0.0
        listening = rounds * (2 * seconds + ASKED_SECONDS)
        room = [url.rpartition(":")[2], f"/api/ws/streams/{STREAM}/metrics", SOCKETS, SOCKETS, listening, 0]
        sockets = ending.enter_context(telling([load_client(folder), *map(str, room)], folder / "sockets"))
        sockets.wait("ready", 60)
        sockets.say("go")
        for _ in range(rounds):
            before, first = family_usage(worker).cpu_seconds, asked(source, environ["BRIDGE_METRICS_LISTEN"])
            ours.append(load(path, seconds))
            cpu += family_usage(worker).cpu_seconds - before
            beyond.append(asked(source, environ["BRIDGE_METRICS_LISTEN"]).beyond(first))
            asking.append(load(f"{source}/api/v1/query?query=stream:livestream_viewer_concurrent:sum", seconds))
    answered = sum(one.a_second for one in ours) * seconds
    return [
        Row(
            "live answer, one worker",
            statistics.median(one.a_second for one in ours),
            "/s",
            "≥ 4,000",
            f"Prometheus itself, one query {statistics.median(one.a_second for one in asking):.0f}",
            f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, shared with the load tool",
        ),
        Row("99th percentile", statistics.median(one.p99 for one in ours), "ms", "≤ 20"),
        Row("CPU a thousand answers", cpu / answered * 1000, "s"),
        Row("failed", sum(one.errors for one in ours), "", "0"),
        Row(
            "queries to Prometheus for clients",
            sum(beyond),
            f"for {answered:,.0f} answers, {SOCKETS} WebSockets",
            "≤ 0",
            "",
            f"beyond the snapshot's {len(SNAPSHOT)}, asked each 2 s without clients, too",
        ),
    ]


def asked(source: str, metrics: str) -> Asked:
    """What was asked until a snapshot that has just been taken."""
    before = _samples(metrics, "livestream_bridge_snapshot_timestamp_seconds")
    servers.wait_until(lambda: _samples(metrics, "livestream_bridge_snapshot_timestamp_seconds") > before, "a snapshot")
    snapshots = _samples(metrics, "livestream_bridge_promql_queries_total", query=SNAPSHOT[0].name)
    queries = _samples(source.removeprefix("http://"), "prometheus_http_requests_total", handler="/api/v1/query")
    ranges = _samples(source.removeprefix("http://"), "prometheus_http_requests_total", handler="/api/v1/query_range")
    return Asked(queries + ranges, snapshots)


def _samples(address: str, name: str, **labels: str) -> float:
    """The sum of the samples of a metrics page that have these labels."""
    page = requests.get(f"http://{address}/metrics", timeout=5).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def load(url: str, seconds: int) -> Load:
    """Run wrk with keep-alive connections."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    a_second = re.search(r"Requests/sec:\s+([\d.]+)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    assert a_second is not None
    assert p99 is not None
    return Load(float(a_second[1]), float(p99[1]) * MILLISECONDS[p99[2]], int(failed[1]) if failed else 0)
