"""A room of WebSockets: cost of a delivery, time to the last client, memory and rate of connections, beside peers.

All servers send a message of the same size each second to the same load client, one after the other in each round.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.table import Row
from tests import servers

ROOT = Path(__file__).resolve().parents[1]
CLIENTS, QUICK_CLIENTS = 10_000, 300
ROUNDS, QUICK_ROUNDS = 3, 1
SECONDS = 6
AT_ONCE = 512
GUNICORN = ("-m", "gunicorn", "-k", "gevent", "-w", "1", "--worker-connections", "30000", "--backlog", "4096")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server: how it is started on a port, and the path of its socket."""

    name: str
    command: Sequence[str]
    path: str = "/ws"
    environ: Mapping[str, str] | None = None


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
        Candidate("naive flask-sock", (python, *GUNICORN, "-b", "127.0.0.1:{port}", f"{peers}.flask_sock_app:app")),
    ]


def run(quick: bool) -> list[Row]:
    """Measure every candidate, interleaved, and give the medians."""
    clients, rounds = (QUICK_CLIENTS, QUICK_ROUNDS) if quick else (CLIENTS, ROUNDS)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    found: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        client = Path(name) / "wsload"
        subprocess.run(["gcc", "-O2", "-o", client, ROOT / "benchmarks/wsload.c"], check=True)
        for _ in range(rounds):
            for candidate in candidates():
                found.setdefault(candidate.name, []).append(measure(candidate, client, clients, Path(name)))
    return _rows(found, clients)


def measure(candidate: Candidate, client: Path, clients: int, folder: Path) -> Measured:
    """One run of one candidate."""
    port = servers.free_port()
    command = [part.replace("{port}", str(port)) for part in candidate.command]
    environ = {**(candidate.environ or {}), "PYTHONPATH": str(ROOT), "BRIDGE_LISTEN": f"127.0.0.1:{port}"}
    with servers.running(command, folder / "server.log", environ, ROOT) as server:
        servers.wait_until(lambda: servers.port_answers(port), f"{candidate.name} ({folder / 'server.log'})", 60)
        time.sleep(2)  # warm: imports, first snapshot
        processes = [server.pid, *(one.pid for one in psutil.Process(server.pid).children(recursive=True))]
        before = _usage(processes)
        load = subprocess.Popen(
            [client, str(port), candidate.path, str(clients), str(AT_ONCE), str(SECONDS), "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdin is not None
        assert load.stdout is not None
        ready = json.loads(load.stdout.readline().removeprefix("ready "))
        joined = _usage(processes)
        load.stdin.write("go\n")
        load.stdin.flush()
        done = json.loads(load.stdout.readline().removeprefix("done "))
        after = _usage(processes)
        load.wait(timeout=60)
    whole = [tick for tick in done["ticks"] if tick[1] >= ready["open"] * 0.999]
    return Measured(
        cpu_seconds=(after[0] - joined[0]) / max(1, done["frames"]) * 10_000,
        last_seconds=statistics.median([last - first for _, _, first, last in whole] or [float("nan")]),
        kilobytes=(after[1] - before[1]) / clients / 1000,
        connects_a_second=ready["open"] / ready["seconds"],
        connect_cpu_ms=(joined[0] - before[0]) / clients * 1000,
        failed=ready["failed"] + done["errors"],
    )


def _usage(processes: Sequence[int]) -> tuple[float, int]:
    """CPU seconds and proportional resident bytes of these processes."""
    cpu = sum(
        int(task.read_text().split()[0]) for one in processes for task in Path(f"/proc/{one}/task").glob("*/schedstat")
    )
    resident = sum(psutil.Process(one).memory_full_info().pss for one in processes)
    return cpu / 1e9, resident


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
