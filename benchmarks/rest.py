"""REST answers from the cached snapshot: requests a second and latency of one worker, beside asking Prometheus."""

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

from benchmarks.processes import family_usage, started_for
from benchmarks.table import Row
from tests import servers
from tests.bridge.platform import bridge, platform

STREAM = "demo"
SECONDS, QUICK_SECONDS = 10, 2
CONNECTIONS = 32
ROUNDS, QUICK_ROUNDS = 3, 1
UNLIMITED = "100000000/minute"
MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


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
    }
    ours, asking = [], []
    with tempfile.TemporaryDirectory() as name, platform(Path(name)) as hops, ExitStack() as ending:
        folder = Path(name)
        hops.publish(STREAM, 12)
        source = ending.enter_context(servers.prometheus(folder, hops.prometheus_config()))
        url = ending.enter_context(bridge(folder, {**environ, "PROMETHEUS_URL": source}))
        path = f"{url}/api/v1/analytics/real-time/{STREAM}"
        servers.wait_until(lambda: requests.get(path, timeout=5).status_code == 200, "the stream")
        worker = started_for(url)
        cpu = 0.0
        for _ in range(rounds):
            before = family_usage(worker).cpu_seconds
            ours.append(load(path, seconds))
            cpu += family_usage(worker).cpu_seconds - before
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
    ]


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
