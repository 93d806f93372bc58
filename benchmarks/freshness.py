"""Time to truth on the real stack: from a player's first request to the number on a WebSocket."""

from __future__ import annotations

import json
import random
import socket
import statistics
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path

import requests
from websockets.sync.client import ClientConnection, connect

from benchmarks.table import Row
from deploy.local.audience import Viewer
from deploy.local.config import LocalConfig
from deploy.local.stack import Stack

JOIN_LIMIT_SECONDS = 30.0


def run(quick: bool) -> list[Row]:
    """Joins at the default and at the fastest broadcast interval; seconds, median and 95th percentile."""
    rows = []
    for broadcast_seconds, goal in ((5, "≤ 5 s p95"), (1, "≤ 3 s p95")):
        delays = sorted(_joins(broadcast_seconds, 3 if quick else 20))
        late = delays[max(0, round(0.95 * len(delays)) - 1)]
        note = f"median {statistics.median(delays):.2f} s of {len(delays)} joins"
        name = f"join to WebSocket, broadcast each {broadcast_seconds} s"
        rows.append(Row(name, late, "s p95", goal, "published promises: Mux < 20 s, Amazon IVS 15 s", note))
    return rows


def _joins(broadcast_seconds: int, times: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="freshness-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        ports = {field.name: _free_port() for field in fields(LocalConfig) if field.name.endswith("_port")}
        config = replace(LocalConfig(), var=Path(folder), viewers=0, broadcast_seconds=broadcast_seconds, **ports)
        stack = Stack(config, lambda line: None)
        stack.start()
        try:
            stack.wait_ready()
            stack.wait_numbers()
            return _measure(config, times)
        finally:
            stack.stop()


def _measure(config: LocalConfig, times: int) -> list[float]:
    address = f"ws://127.0.0.1:{config.bridge_port}/api/ws/streams/{config.stream}/metrics"
    chance = random.Random(1)
    delays, viewers = [], []
    with connect(address) as listening:
        for number in range(1, times + 1):
            # Spread the joins over the pipeline's phases.
            time.sleep(chance.uniform(0, 3))
            viewer = Viewer(config, chance)
            viewers.append(viewer)
            begun = time.monotonic()
            viewer.turn()
            delays.append(_seen(listening, viewers, number, begun))
    return delays


def _seen(listening: ClientConnection, viewers: list[Viewer], expected: int, begun: float) -> float:
    """Seconds until the socket says ``expected`` viewers; keeps the viewers watching meanwhile."""
    turn = begun
    while time.monotonic() - begun < JOIN_LIMIT_SECONDS:
        if time.monotonic() - turn > 1.5:
            turn = time.monotonic()
            for viewer in viewers:
                try:
                    viewer.turn()
                except requests.RequestException:
                    continue
        try:
            message = json.loads(listening.recv(timeout=0.1))
        except TimeoutError:
            continue
        if message.get("data", {}).get("currentViewers", 0) >= expected:
            return time.monotonic() - begun
    raise RuntimeError(f"viewer {expected} was not seen within {JOIN_LIMIT_SECONDS:g} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
