"""A room of WebSockets: cost of a delivery, time to the last client, memory and rate of connections, beside peers.

All servers send a message of the same size each second to the same load client, one after the other in each round.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.table import Row
from benchmarks.telling import telling
from tests import servers

ROOT = Path(__file__).resolve().parents[1]
CLIENTS, QUICK_CLIENTS = 10_000, 300
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS = 6
AT_ONCE = 512
LIMIT = "C epoll"
"""What any server must do, and nothing else"""
CONNECT_SECONDS = 150.0
GUNICORN = ("-m", "gunicorn", "-k", "gevent", "-w", "1", "--worker-connections", "30000", "--backlog", "4096")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server: how it is started on a port, and the path of its socket."""

    name: str
    command: Sequence[str]
    path: str = "/ws"
    environ: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """So many clients, who listen for so long; ``stalled`` of them read nothing until the end."""

    clients: int
    seconds: int
    stalled: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a server's processes have used by now: CPU seconds, and resident bytes by their share."""

    cpu_seconds: float
    resident: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the load client told, and the server's usage before the clients came, when they were there, and after."""

    ready: Mapping[str, Any]
    done: Mapping[str, Any]
    before: Usage
    joined: Usage
    after: Usage

    @property
    def last_seconds(self) -> float:
        """From the first client to the last, the median of the broadcasts that reached all who read."""
        reading: int = self.ready["open"] - self.done["stalled"]
        whole: list[float] = [
            last - first for _, frames, first, last in self.done["ticks"] if frames >= reading * 0.999
        ]
        return statistics.median(whole or [float("nan")])


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: CPU seconds a 10 000 deliveries, seconds to the last client, KB and CPU milliseconds a connection."""

    cpu_seconds: float
    last_seconds: float
    kilobytes: float
    connects_a_second: float
    connect_cpu_ms: float
    failed: int


def candidates() -> list[Candidate]:
    """Ours first, then the peers."""
    python = sys.executable
    peers = "benchmarks.websocket_peers"
    ours = {
        "BRIDGE_MOCK": "1",
        "BRIDGE_AUTH": "off",
        "BRIDGE_BROADCAST_SECONDS": "1",
        "BRIDGE_MAX_SOCKETS_PER_ADDRESS": "30000",
        "BRIDGE_METRICS_LISTEN": "",
        "LOG_LEVEL": "WARNING",
    }
    return [
        Candidate("bridge", (python, "-m", "bridge", "serve"), "/api/ws/streams/base-camp/metrics", ours),
        Candidate("picows", (python, "-m", f"{peers}.picows_server", "{port}")),
        Candidate("Node ws", ("node", str(ROOT / "benchmarks/websocket_peers/node_ws.js"), "{port}")),
        Candidate("websockets", (python, "-m", f"{peers}.websockets_server", "{port}")),
        Candidate(LIMIT, ("{folder}/epoll_server", "{port}")),
        Candidate("naive flask-sock", (python, *GUNICORN, "-b", "127.0.0.1:{port}", f"{peers}.flask_sock_app:app")),
    ]


def run(quick: bool) -> list[Row]:
    """Measure every candidate, interleaved, and give the medians."""
    clients, rounds = (QUICK_CLIENTS, QUICK_ROUNDS) if quick else (CLIENTS, ROUNDS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        for candidate in candidates():
            found.setdefault(candidate.name, []).append(_measure(candidate, clients))
    return _rows(found, clients)


def loaded(candidate: Candidate, load: Load) -> Loaded:
    """Start one candidate, load it, and end it."""
    port = servers.free_port()
    environ = {**(candidate.environ or {}), "PYTHONPATH": str(ROOT), "BRIDGE_LISTEN": f"127.0.0.1:{port}"}
    with tempfile.TemporaryDirectory() as name, ExitStack() as ending:
        command = [part.format(port=port, folder=name) for part in candidate.command]
        if candidate.name == LIMIT:
            compiled("websocket_peers/epoll_server.c", Path(name))
        log = Path(name) / "server.log"
        server = ending.enter_context(servers.running(command, log, environ, ROOT))
        servers.wait_until(lambda: servers.port_answers(port), f"{candidate.name} ({log})", 60)
        time.sleep(2)  # warm: imports, first snapshot
        processes = [server.pid, *(one.pid for one in psutil.Process(server.pid).children(recursive=True))]
        before = _usage(processes)
        program = [load_client(Path(name)), port, candidate.path, load.clients, AT_ONCE, load.seconds, load.stalled]
        client = ending.enter_context(telling(list(map(str, program)), Path(name) / "client.out"))
        ready = client.wait("ready", CONNECT_SECONDS)
        joined = _usage(processes)
        client.say("go")
        client.wait("over", load.seconds + CONNECT_SECONDS)
        after = _usage(processes)
        return Loaded(ready, client.wait("done", CONNECT_SECONDS), before, joined, after)


def load_client(folder: Path) -> Path:
    """The load client, compiled into this folder."""
    return compiled("wsload.c", folder)


def compiled(source: str, folder: Path) -> Path:
    """The program of a C file of ours, made in this folder."""
    program = folder / Path(source).stem
    subprocess.run(["gcc", "-O2", "-o", program, ROOT / "benchmarks" / source], check=True)
    return program


def _measure(candidate: Candidate, clients: int) -> Measured:
    found = loaded(candidate, Load(clients, SECONDS))
    return Measured(
        cpu_seconds=(found.after.cpu_seconds - found.joined.cpu_seconds) / max(1, found.done["frames"]) * 10_000,
        last_seconds=found.last_seconds,
        kilobytes=(found.after.resident - found.before.resident) / clients / 1000,
        connects_a_second=found.ready["open"] / found.ready["seconds"],
        connect_cpu_ms=(found.joined.cpu_seconds - found.before.cpu_seconds) / clients * 1000,
        failed=found.ready["failed"] + found.done["errors"],
    )


def _usage(processes: Sequence[int]) -> Usage:
    nanoseconds = sum(
        int(task.read_text().split()[0]) for one in processes for task in Path(f"/proc/{one}/task").glob("*/schedstat")
    )
    resident: int = sum(psutil.Process(one).memory_full_info().pss for one in processes)
    return Usage(nanoseconds / 1e9, resident)


def _rows(found: Mapping[str, Sequence[Measured]], clients: int) -> list[Row]:
    def median(name: str, field: str) -> float:
        return statistics.median(getattr(one, field) for one in found[name])

    def peers(field: str, digits: int) -> str:
        return ", ".join(f"{name} {median(name, field):.{digits}f}" for name in found if name != "bridge")

    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    failed = sum(one.failed for one in found["bridge"])
    return [
        Row("CPU a 10,000 deliveries", median("bridge", "cpu_seconds"), "s", "≤ 0.14", peers("cpu_seconds", 3), load),
        Row(
            "first to last client",
            median("bridge", "last_seconds") * 1000,
            "ms",
            "≤ 250",
            ", ".join(f"{name} {median(name, 'last_seconds') * 1000:.0f}" for name in found if name != "bridge"),
        ),
        Row("memory a connection", median("bridge", "kilobytes"), "KB", "≤ 25", peers("kilobytes", 1)),
        Row("connects a second", median("bridge", "connects_a_second"), "/s", "≥ 2,000", peers("connects_a_second", 0)),
        Row("CPU a connect", median("bridge", "connect_cpu_ms"), "ms", "", peers("connect_cpu_ms", 2)),
        Row(f"failed of {clients:,} clients at once", failed, "", "0", ""),
    ]
