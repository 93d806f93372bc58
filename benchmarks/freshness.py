"""Time to truth on the real stack: from a player's first request, and from its last, to the number on a WebSocket."""

from __future__ import annotations

import contextlib
import json
import random
import statistics
import time

import requests
from websockets.sync.client import ClientConnection, connect

from benchmarks.localrun import local_run
from benchmarks.table import Row
from deploy.local.audience import Viewer
from deploy.local.config import LocalConfig

LIMIT_SECONDS = 30.0
PEERS = "published promises: Mux < 20 s, Amazon IVS 15 s"


def run(quick: bool) -> list[Row]:
    """Joins and leaves at the default and at the fastest broadcast interval; seconds, 95th percentile and median."""
    rows = []
    for broadcast_seconds, goal in ((5, "≤ 5 s p95"), (1, "≤ 3 s p95")):
        joins, leaves = _visits(broadcast_seconds, 3 if quick else 20)
        rows.append(_row(f"join to WebSocket, broadcast each {broadcast_seconds} s", joins, goal))
        rows.append(_row("… leave without a goodbye", leaves, "≤ 10 s" if broadcast_seconds == 1 else ""))
    return rows


def _row(name: str, delays: list[float], goal: str) -> Row:
    delays = sorted(delays)
    late = delays[max(0, round(0.95 * len(delays)) - 1)]
    note = f"median {statistics.median(delays):.2f} s, longest {delays[-1]:.2f} s of {len(delays)}"
    return Row(name, late, "s p95", goal, PEERS, note)


def _visits(broadcast_seconds: int, times: int) -> tuple[list[float], list[float]]:
    with local_run(viewers=0, broadcast_seconds=broadcast_seconds) as stack:
        return _measure(stack.config, times)


def _measure(config: LocalConfig, times: int) -> tuple[list[float], list[float]]:
    address = f"ws://127.0.0.1:{config.bridge_port}/api/ws/streams/{config.stream}/metrics"
    chance = random.Random(1)
    joins: list[float] = []
    leaves: list[float] = []
    viewers: list[_Playing] = []
    with connect(address) as listening:
        while len(leaves) < times:
            _seen(listening, viewers, len(viewers), 2)
            # A message has just come: spread joins and leaves over the time until the next ones.
            _pass(listening, viewers, chance.uniform(0, config.broadcast_seconds))
            begun = time.monotonic()
            if len(joins) < times:
                viewers.append(_Playing(Viewer(config, chance)))
                joins.append(_seen(listening, viewers, len(viewers)) - begun)
            else:
                viewers.pop()
                leaves.append(_seen(listening, viewers, len(viewers)) - begun)
    return joins, leaves


class _Playing:
    """A player that goes on at its own pace between messages."""

    def __init__(self, viewer: Viewer) -> None:
        self._viewer = viewer
        self._due = 0.0

    def go_on(self) -> None:
        if time.monotonic() < self._due:
            return
        try:
            self._due = time.monotonic() + self._viewer.turn()
        except requests.RequestException:
            self._due = time.monotonic() + 0.5


def _pass(listening: ClientConnection, viewers: list[_Playing], seconds: float) -> None:
    """Let time pass; players go on meanwhile."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for viewer in viewers:
            viewer.go_on()
        with contextlib.suppress(TimeoutError):
            listening.recv(timeout=min(0.1, left))


def _seen(listening: ClientConnection, viewers: list[_Playing], expected: int, at_least_seconds: float = 0) -> float:
    """When the socket first said ``expected`` viewers, not before ``at_least_seconds``; players go on meanwhile."""
    begun = time.monotonic()
    while time.monotonic() - begun < LIMIT_SECONDS:
        for viewer in viewers:
            viewer.go_on()
        try:
            message = json.loads(listening.recv(timeout=0.1))
        except TimeoutError:
            continue
        now = time.monotonic()
        if now - begun >= at_least_seconds and message.get("data", {}).get("currentViewers", -1) == expected:
            return now
    raise RuntimeError(f"{expected} viewers were not seen within {LIMIT_SECONDS:g} s")
