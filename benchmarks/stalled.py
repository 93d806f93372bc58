"""A room of WebSockets where some read nothing: what the others feel, and what becomes of those, beside peers.

Messages are large, so that the kernel's buffers are full within seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmarks.table import Row
from benchmarks.websocket import LIMIT, Candidate, Load, Loaded, candidates, loaded

LOAD, QUICK = Load(1_000, 15, 50), Load(100, 15, 5)
BRIDGE = {"BRIDGE_TIMELINE_POINTS": "360", "BRIDGE_STALL_SECONDS": "3"}
PATH, MESSAGE_BYTES = "/ws/analytics/base-camp", 66_000
"""The bridge's largest message, and about its size"""


def run(quick: bool) -> list[Row]:
    """Each candidate once, with the same load."""
    load = QUICK if quick else LOAD
    taking_part = [_with_large_messages(one) for one in candidates() if one.name != LIMIT]
    return rows({one.name: loaded(one, load) for one in taking_part}, load)


def _with_large_messages(candidate: Candidate) -> Candidate:
    if candidate.name == "bridge":
        return replace(candidate, path=PATH, environ={**(candidate.environ or {}), **BRIDGE})
    return replace(candidate, environ={"MESSAGE_BYTES": str(MESSAGE_BYTES)})


def rows(found: dict[str, Loaded], load: Load) -> list[Row]:
    """The bridge's figures with those of its peers beside them."""

    def row(name: str, unit: str, goal: str, figure: Callable[[Loaded], float], digits: int = 0, note: str = "") -> Row:
        peers = ", ".join(f"{one} {figure(run):.{digits}f}" for one, run in found.items() if one != "bridge")
        return Row(name, figure(found["bridge"]), unit, goal, peers, note)

    reading = load.clients - load.stalled
    left = f"of {load.stalled} who read nothing, among {load.clients:,}"
    got = f"those who read nothing got {found['bridge'].done['stalled_frames'] / load.stalled:.1f} whole messages each"
    return [
        row("broadcasts to those who read", f"in {load.seconds} s", f"≥ {load.seconds - 1}", _whole(reading)),
        row("… first to last client", "ms", "≤ 250", lambda one: 1000 * one.last_seconds),
        row("stalled readers still open", left, "≤ 0", lambda one: one.done["stalled_open"]),
        row(
            "… memory they and the others cost", "MB", "", lambda one: (one.after.resident - one.before.resident) / 1e6
        ),
        row("torn or broken frames", "", "≤ 0", lambda one: one.done["errors"], note=got),
    ]


def _whole(reading: int) -> Callable[[Loaded], float]:
    return lambda one: sum(frames >= reading for _, frames, _, _ in one.done["ticks"])
