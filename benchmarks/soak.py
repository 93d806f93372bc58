"""The whole local stack for an hour under 5,000 viewers and 2,000 WebSockets: memory must be flat, and nothing lost.

The hour comes after one of warm-up; ``SOAK_MINUTES`` changes how long both take together. Every program is looked at
each ten seconds; the time series are kept in ``var/benchmarks/soak/series.json``. A program is flat where what it
allocated itself (anonymous memory, its share of it where processes share) grows by at most ``FLAT`` of its size an hour
after the warm-up, or by a few MiB. Files in memory and PostgreSQL's shared buffers are caches with bounds of their own:
they are shown and not judged.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import requests

from benchmarks.growing.estimates import law
from benchmarks.localrun import local_run
from benchmarks.processes import Usage, family_usage
from benchmarks.table import Row
from benchmarks.telling import Telling, telling
from benchmarks.websocket import load_client
from deploy.local.stack import Stack

SERIES = Path("var/benchmarks/soak/series.json")
SESSIONS, SHOWS, SOCKETS = 5_000, 20, 2_000
AT_ONCE = 128
SAMPLE_SECONDS, TELL_SECONDS = 10.0, 60.0
WARM_MINUTES, JUDGED_MINUTES = 60.0, 60.0
"""The session engine keeps sketches of the last hour's viewers, and a show lasts an hour on average"""
BROADCAST_SECONDS = 2
FLAT, FLAT_MEBIBYTES = 0.05, 3.0
"""The growth an hour that still counts as flat: this share of the size, or this much where that is more"""
ENVIRON = {
    "VIEWERS_STREAMS": r"demo,show-\d+",
    "VIEWERS_TRUSTED_PROXIES": "127.0.0.1/32",
    "BRIDGE_MAX_SOCKETS_PER_ADDRESS": "4000",
}
"""The stack's programs inherit these: reports of many addresses come from one, and so do the sockets"""
TROUBLE = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|PANIC|Traceback|level=error)\b|\[(?:error|crit|alert|emerg)\]")
EXPECTED = re.compile(r'open\(\) ".*\.ts" failed \(2: ')
"""The HLS exporter asks for segments that must outlive their playlist; nginx-rtmp removes some of them too early"""
NOT_JUDGED = {"prometheus": "keeps two to three hours in memory before it writes a block; "}
"""Programs that an hour says nothing about, and why"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at everything, ``minutes`` after the load began."""

    minutes: float
    programs: dict[str, Usage]
    crowd: dict[str, int]
    shown: int | None
    sockets_open: int
    frames: int


def run(quick: bool) -> list[Row]:
    """Run the stack under load, look at it, and hold the growth of each program against its bound."""
    minutes = 1.0 if quick else float(os.environ.get("SOAK_MINUTES", WARM_MINUTES + JUDGED_MINUTES))
    os.environ.update(ENVIRON)
    with local_run(viewers=4, broadcast_seconds=BROADCAST_SECONDS) as stack, _crowd(stack) as crowd:
        logs = _logs(stack)
        with _clients(stack, minutes * 60) as clients:
            samples = list(_samples(stack, crowd, clients, minutes))
            ready, done = clients.newest("ready"), clients.wait("done", 60)
        troubles = _troubles(stack, logs)
    SERIES.parent.mkdir(parents=True, exist_ok=True)
    kept = {"samples": [asdict(one) for one in samples], "troubles": troubles}
    SERIES.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    judged = max(0.0, minutes - WARM_MINUTES)
    length = Row("length", judged, "minutes", f"≥ {JUDGED_MINUTES:.0f}", "", f"after {minutes - judged:.0f} of warm-up")
    return [length, *_program_rows(samples), *_load_rows(samples, ready, done, minutes), _trouble_row(troubles)]


@contextmanager
def _crowd(stack: Stack) -> Iterator[Telling]:
    config = stack.config
    arguments = (config.var / "log/edge.json", config.reports_port, SESSIONS, SHOWS)
    with telling([sys.executable, "-m", "benchmarks.crowd", *map(str, arguments)], config.var / "crowd") as crowd:
        yield crowd


@contextmanager
def _clients(stack: Stack, seconds: float) -> Iterator[Telling]:
    """The WebSockets, all open and counting."""
    config = stack.config
    path = f"/api/ws/streams/{config.stream}/metrics"
    command = [load_client(config.var), config.bridge_port, path, SOCKETS, AT_ONCE, seconds, 0, SAMPLE_SECONDS]
    with telling(list(map(str, command)), config.var / "clients") as clients:
        clients.wait("ready", 120)
        clients.say("go")
        yield clients


def _samples(stack: Stack, crowd: Telling, clients: Telling, minutes: float) -> Iterator[Sample]:
    begun = time.monotonic()
    look = tell = begun
    while (now := time.monotonic()) < begun + minutes * 60:
        programs = {one.name: family_usage(one.pid) for one in stack.states() if one.pid}
        programs["(crowd)"], programs["(sockets)"] = family_usage(crowd.process.pid), family_usage(clients.process.pid)
        at = clients.newest("at")
        sample = Sample(
            (now - begun) / 60, programs, crowd.newest("at"), _shown(stack), at.get("open", 0), at.get("frames", 0)
        )
        yield sample
        if now >= tell:
            tell += TELL_SECONDS
            click.echo(_progress(sample))
        look += SAMPLE_SECONDS
        time.sleep(max(0.0, min(look, begun + minutes * 60) - time.monotonic()))


def _progress(sample: Sample) -> str:
    memory = ", ".join(f"{name} {usage.anonymous:.0f}" for name, usage in sample.programs.items())
    expected = sample.crowd.get("alive", 0) + sample.crowd.get("lingering", 0)
    load = f"{sample.shown} of {expected} sessions, {sample.sockets_open} sockets"
    return f"{sample.minutes:5.1f} min: {load}; MiB {memory}"


def _shown(stack: Stack) -> int | None:
    """Viewers of the whole platform, as the bridge shows them."""
    with contextlib.suppress(requests.RequestException, KeyError, ValueError):
        address = stack.config.url(stack.config.bridge_port, "/console/overview")
        return int(requests.get(address, timeout=5).json()["totals"]["totalViewers"])
    return None


def _logs(stack: Stack) -> dict[Path, int]:
    """The programs' logs and how long they are by now."""
    return {
        path: path.stat().st_size for path in (stack.config.var / "log").glob("*") if path.suffix in (".out", ".log")
    }


def _troubles(stack: Stack, before: dict[Path, int]) -> list[str]:
    """Lines that speak of an error, of those that logs have more than before."""
    found = []
    for path in sorted(_logs(stack)):
        text = path.read_bytes()[before.get(path, 0) :].decode("utf-8", "replace")
        found += [f"{path.name}: {line}" for line in text.splitlines() if _is_trouble(line)]
    return found


def _is_trouble(line: str) -> bool:
    return TROUBLE.search(line) is not None and EXPECTED.search(line) is None


def _trouble_row(troubles: list[str]) -> Row:
    logs = ", ".join(f"{name} {count}" for name, count in Counter(one.partition(":")[0] for one in troubles).items())
    return Row("errors in logs", len(troubles), "lines", "≤ 0", "", logs)


def _program_rows(samples: list[Sample]) -> Iterator[Row]:
    whole = samples[-1].minutes - samples[0].minutes
    warm = min(WARM_MINUTES, whole / 2)
    for name in samples[-1].programs:
        usages = [(one.minutes, one.programs[name]) for one in samples if name in one.programs]
        after = [{"hours": minute / 60, "value": usage.anonymous} for minute, usage in usages if minute >= warm]
        slope, size = law(after, ["hours"]).slopes["hours"], after[0]["value"]
        last, first = usages[-1][1], usages[0][1]
        bound = max(FLAT * size, FLAT_MEBIBYTES)
        cores = (last.cpu_seconds - first.cpu_seconds) / max(1.0, (usages[-1][0] - usages[0][0]) * 60)
        most = max(usage.anonymous for _, usage in usages)
        note = NOT_JUDGED.get(name, "") + (
            f"start {first.anonymous:.1f}, warm {size:.1f}, end {last.anonymous:.1f}, most {most:.1f} MiB; "
            f"RSS {last.resident:.0f}, PSS {last.proportional:.0f}, USS {last.unique:.0f}; {last.files} files, "
            f"{last.threads} threads, {last.processes} processes; {cores:.3f} cores"
        )
        judged = whole >= WARM_MINUTES + JUDGED_MINUTES - 1 and name[0] != "(" and name not in NOT_JUDGED
        yield Row(name, slope, "MiB an hour", f"≤ {bound:.1f}" if judged else "", "", note)


def _load_rows(samples: list[Sample], ready: dict[str, Any], done: dict[str, Any], minutes: float) -> Iterator[Row]:
    yield Row("sockets lost", ready["open"] - done["open"], f"of {ready['open']:,}", "≤ 0")
    turns = [frames for _, frames, _, _ in done["ticks"]]
    starts = [first for _, _, first, _ in done["ticks"]]
    longest = max((later - earlier for earlier, later in itertools.pairwise(starts)), default=0.0)
    note = f"each waits for newer numbers once it is due; longest wait {longest:.1f} s"
    yield Row("broadcasts", len(turns), "", "", f"{minutes * 60 / BROADCAST_SECONDS:,.0f} by the clock", note)
    whole = sum(turns[1:-1]) / max(1, len(turns[1:-1]) * ready["open"])
    yield Row("… that reached every socket", 100 * whole, "%", "≥ 100", "", f"{done['frames']:,} messages")
    yield Row("broken frames", done["errors"], "", "≤ 0")
    warm = [
        one
        for one in samples
        if one.minutes >= min(2.0, minutes / 2) and one.crowd.get("alive") and one.shown is not None
    ]
    shares = [100 * (one.shown or 0) / (one.crowd["alive"] + one.crowd["lingering"]) for one in warm] or [0.0]
    note = f"least {min(shares):.1f} %, most {max(shares):.1f} %, {samples[-1].crowd}"
    yield Row("sessions shown of those alive", sum(shares) / len(shares), "%", "≥ 99", "", note)
