"""The stack that faults are struck on: small disks, clocks that can be set, and another host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local.config import HOST
from deploy.local.programs import Program
from tests.far_host import FarHost, far_host
from tests.faults.far_edge import FarEdge
from tests.faults.ground import Ground
from tests.faults.storm import Storm
from tests.stacks import Running, local_stack, open_to_postgres

PLAYERS = 2
DISK_BYTES = 32 << 20
DISKS = ("state", "state/viewers", "spool")
"""folders of the stack with a small disk of their own"""
CLOCKS = ("nginx", "cdn", "viewers", "recorder")
"""programs whose wall clock can be set; Prometheus, bridge and database keep the true time"""


@contextmanager
def ground(var: Path) -> Iterator[Ground]:
    """A stack with small disks, settable clocks, a second log, and another host with a second edge and the recorder.

    Yields when the numbers are true; ends with the block.
    """
    open_to_postgres(var)
    (var / "log").mkdir()
    storm = Storm(var / "log/storm.json")
    storm.write(1)
    with ExitStack() as ending:
        for folder in DISKS:
            ending.enter_context(small_disk(var / folder))
        host = ending.enter_context(far_host())
        (var / "hba.conf").write_text(host.admission())
        library = _clock_library(var)
        local = ending.enter_context(local_stack(var, lambda program: _adapted(program, var, library, host)))
        _scrape_recorder_there(local, host)
        far = FarEdge(var, host)
        ending.enter_context(far.exporter(local))
        made = Ground(local, storm, far)
        ending.callback(made.stop)
        for _ in range(PLAYERS):
            made.add_player()
        made.wait_true()
        yield made


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of ``DISK_BYTES`` at this folder."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=755", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def _clock_library(var: Path) -> Path:
    library = var / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", library, source], check=True)
    (var / "clock").write_bytes(bytes(8))
    return library


def _adapted(program: Program, var: Path, library: Path, host: FarHost) -> Program:
    command, environ, ready = program.command, dict(program.environ), program.ready
    if program.name in CLOCKS:
        environ |= {"LD_PRELOAD": str(library), "WALL_CLOCK_STEP": str(var / "clock")}
    if program.name == "cdn":
        environ["CDN_FILES"] += f",storm=nginx:{var}/log/storm.json"
    elif program.name == "viewers":
        environ["VIEWERS_LISTEN"] = environ["VIEWERS_LISTEN"].replace(HOST, "0.0.0.0")
    elif program.name == "prometheus":
        command = tuple(part.replace(f"listen-address={HOST}", "listen-address=0.0.0.0") for part in command)
    elif program.name == "postgres":
        command += ("-c", f"listen_addresses={HOST},{host.here}", "-c", f"hba_file={var}/hba.conf")
    elif program.name == "recorder":
        command = (*host.enter, *command)
        environ |= {name: environ[name].replace(HOST, host.here) for name in ("DATABASE_URL", "PROMETHEUS_URL")}
        environ["RECORDER_METRICS_LISTEN"] = environ["RECORDER_METRICS_LISTEN"].replace(HOST, host.there)
        ready = ready.replace(HOST, host.there)
    return replace(program, command=command, environ=environ, ready=ready)


def _scrape_recorder_there(local: Running, host: FarHost) -> None:
    """Prometheus follows its files of targets."""
    path, port = local.config.var / "prometheus/targets/normal/local.yml", local.config.recorder_metrics_port
    path.write_text(path.read_text().replace(f"{HOST}:{port}", f"{host.there}:{port}"))
