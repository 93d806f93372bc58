"""One local nginx: its limits, its start and its end."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

from bridge.containers.model import Size


def limited(command: Sequence[str], size: Size) -> list[str]:
    """The command, run on as many CPUs and in as much address space as the size has."""
    cpus = sorted(os.sched_getaffinity(0))[: max(1, math.ceil(size.cpus))]
    return [
        "taskset",
        "--cpu-list",
        ",".join(map(str, cpus)),
        "prlimit",
        f"--as={size.memory_bytes}",
        "--",
        *command,
    ]


def user_line() -> str:
    """As root, nginx would run its workers as a user who cannot write the folder."""
    return "user root;\n" if os.getuid() == 0 else ""


def listens(child: subprocess.Popen[bytes], port: int, seconds: float = 10.0) -> bool:
    """Whether this process, or one it started, listens on the port within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and child.poll() is None:
        try:
            process = psutil.Process(child.pid)
            for one in [process, *process.children(recursive=True)]:
                if any(link.status == psutil.CONN_LISTEN and link.laddr.port == port for link in one.net_connections()):
                    return True
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.05)
    return False


def end(process: psutil.Process, grace_seconds: float) -> None:
    """SIGTERM to the server, and after the grace SIGKILL to its whole session, which is its own."""
    process.terminate()
    try:
        process.wait(timeout=max(0.01, grace_seconds))
    except psutil.TimeoutExpired:
        with suppress(ProcessLookupError, psutil.TimeoutExpired):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=5)
