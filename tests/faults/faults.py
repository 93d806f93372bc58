"""The faults: what is broken on purpose, while viewers come and go, and mended again."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import requests

from tests.faults import hostile
from tests.faults.ground import Ground
from tests.servers import instant, wait_until

PROGRAMS = (
    "rtmp",
    "hls",
    "cdn",
    "viewers",
    "bridge",
    "recorder",
    "prometheus",
    "alertmanager",
    "postgres",
    "nginx",
    "publisher",
)
LEADERS = ("nginx", "bridge", "postgres")
"""programs of several processes"""
GIVEN_UP = "WARNING bridge.history.recorder: recorder: "
HOUR_SECONDS = 3600
FAR_PLAYERS = 20
GROWTH_BYTES = 64 << 20
BASE_LINES = 500
LARGE_LINES = 30_000
STORM_ROTATIONS = 40


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name; ``strike`` breaks, lets a viewer come meanwhile, and mends."""

    name: str
    strike: Callable[[Ground, Fault], None]

    def newcomer(self, ground: Ground, number: int = 1) -> None:
        """Viewers who come while it is broken."""
        ground.crowd.join(f"during {self.name}", number)

    def survive(self, ground: Ground) -> float:
        """Strike while somebody watches; gives the seconds from the mend to true numbers."""
        before = ground.crowd.join(f"before {self.name}")
        ground.crowd.wait_heard()
        self.strike(ground, self)
        seconds = ground.wait_true()
        ground.crowd.leave(before)
        return seconds


def kill(program: str, ground: Ground, fault: Fault) -> None:
    """SIGKILL to every process of a program at once; the supervisor starts it again."""
    process = psutil.Process(ground.local.pid(program))
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    fault.newcomer(ground)
    wait_until(lambda: ground.local.pid(program) not in (0, process.pid), f"{program} to be started again")


@contextmanager
def stopped(ground: Ground, program: str) -> Iterator[None]:
    ground.local.control("stop", program)
    try:
        yield
    finally:
        ground.local.control("start", program)


def kill_leader(program: str, ground: Ground, fault: Fault) -> None:
    """SIGKILL to the first process of a program alone: nobody tells the others, which may hold its ports."""
    leader = ground.local.pid(program)
    os.kill(leader, signal.SIGKILL)
    fault.newcomer(ground)
    wait_until(lambda: ground.local.pid(program) not in (0, leader), f"{program} to be started again")


def stop_prometheus(ground: Ground, fault: Fault) -> None:
    """The last numbers go on, marked as stale."""
    with stopped(ground, "prometheus"):
        fault.newcomer(ground)
        wait_until(lambda: ground.message()["meta"]["stale"], "the stale mark")
        assert requests.get(ground.live_address, timeout=5).json()["meta"]["stale"]


def stop_postgres(ground: Ground, fault: Fault) -> None:
    """Live numbers go on being true; what ends meanwhile waits in the spool."""
    leaving = ground.crowd.join(f"leaving during {fault.name}")
    ground.crowd.wait_heard()
    with stopped(ground, "postgres"):
        fault.newcomer(ground)
        ground.crowd.leave(leaving)
        ground.wait_true()
        spool = ground.local.config.var / "spool"
        wait_until(lambda: list(spool.glob("*.spool")), "a session in the spool")


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """A disk on which no byte can be written any more."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
    try:
        yield
    finally:
        filler.unlink()


def fill_spool(ground: Ground, fault: Fault) -> None:
    """Sessions end while they cannot be spooled."""
    leaving = ground.crowd.join(f"leaving during {fault.name}", 3)
    ground.crowd.wait_heard()
    before = ground.spooled()
    with full(ground.local.config.var / "spool"):
        fault.newcomer(ground)
        ground.crowd.leave(leaving)
        wait_until(lambda: ground.spooled() >= before + len(leaving), "the sessions to end")
        ground.wait_true()


def fill_viewers(ground: Ground, fault: Fault) -> None:
    """Neither journal nor checkpoint of the session engine can be written; when they could, it is killed."""
    state = ground.local.config.var / "state/viewers"
    with full(state):
        fault.newcomer(ground)
        ground.crowd.wait_heard()
        wait_until(lambda: "no checkpoint can be written" in ground.log("viewers"), "the log to tell of it")
        ground.wait_true()
        before = set(state.glob("checkpoint-*.state"))
    wait_until(lambda: set(state.glob("checkpoint-*.state")) - before, "a checkpoint")
    kill("viewers", ground, fault)


def fill_cdn(ground: Ground, fault: Fault) -> None:
    """The CDN exporter's checkpoint cannot be stored while lines go on coming, and it is killed."""
    with full(ground.local.config.var / "state"):
        fault.newcomer(ground)
        ground.storm.write(LARGE_LINES)  # more than SQLite has room for in the files that it has
        wait_until(lambda: "could not be stored" in ground.log("cdn"), "the log to tell of it")
        kill("cdn", ground, fault)


def step_clock(seconds: int, ground: Ground, fault: Fault) -> None:
    """The clock of a host with media server, exporters and recorder steps, and is set right again."""
    leaving = ground.crowd.join(f"leaving during {fault.name}")
    ground.add_player()
    ground.crowd.wait_heard()
    ground.wait_true()
    ground.set_clock(seconds)
    try:
        fault.newcomer(ground)
        ground.crowd.leave(leaving)
        ground.wait_true()
        ground.remove_player()
        ground.wait_true()
    finally:
        ground.set_clock(0)


def storm(ground: Ground, fault: Fault) -> None:
    """A log is renamed, and copied and truncated, many times a second while it is written."""
    fault.newcomer(ground)
    for number in range(STORM_ROTATIONS):
        ground.storm.write(BASE_LINES)
        if number % 2:
            ground.storm.rotate_by_renaming()
        else:
            ground.storm.rotate_by_copying()
        time.sleep(0.05)


def tenfold(ground: Ground, fault: Fault) -> None:
    """Ten times the viewers and ten times the log; the exporters' memory is bounded."""
    before = exporters_bytes(ground)
    fault.newcomer(ground, 10 * ground.watching)
    for _ in range(10):
        ground.storm.write(10 * BASE_LINES)
        time.sleep(0.2)
    ground.wait_true()
    assert exporters_bytes(ground) - before < GROWTH_BYTES


def exporters_bytes(ground: Ground) -> int:
    """Resident memory of the exporters that the audience goes through."""
    return sum(int(psutil.Process(ground.local.pid(name)).memory_info().rss) for name in ("cdn", "viewers"))


def clients(ground: Ground, fault: Fault) -> None:
    """Slow and hostile clients at every open port; a good client goes on being told the truth."""
    with hostile.clients(ground.local):
        fault.newcomer(ground)
        ground.wait_true()


def cut(ground: Ground, fault: Fault) -> None:
    """The network to another host is cut: what its edge tells waits there, and Prometheus does not reach it.

    The recorder is there, too: the sessions that end meanwhile, and the minutes, have to wait.
    """
    stream, host = ground.local.config.stream, ground.far.host
    leaving = ground.crowd.join(f"leaving during {fault.name}", 3)
    ground.crowd.wait_heard()
    ground.far.watch(stream, FAR_PLAYERS)
    told = ground.log("recorder").count(GIVEN_UP)
    host.connect(False)
    try:
        fault.newcomer(ground)
        ground.crowd.leave(leaving)
        ground.far.watch(stream, FAR_PLAYERS)
        target = f'up{{instance=~"{host.there}:.*"}} == 0'
        wait_until(lambda: len(instant(ground.local.prometheus, target)) == 2, "Prometheus to notice", 60)
        wait_until(lambda: ground.log("recorder").count(GIVEN_UP) > told, "the recorder to give its connection up", 60)
    finally:
        host.connect(True)


FAULTS = (
    *(Fault(f"kill -9 {program}", partial(kill, program)) for program in PROGRAMS),
    *(Fault(f"kill -9 {program}, leader alone", partial(kill_leader, program)) for program in LEADERS),
    Fault("Prometheus stopped", stop_prometheus),
    Fault("PostgreSQL stopped", stop_postgres),
    Fault("disk full: spool", fill_spool),
    Fault("disk full: sessions' journal", fill_viewers),
    Fault("disk full: CDN checkpoint", fill_cdn),
    Fault("clock one hour ahead", partial(step_clock, HOUR_SECONDS)),
    Fault("clock one hour behind", partial(step_clock, -HOUR_SECONDS)),
    Fault("network cut to another host", cut),
    Fault("log rotation storm", storm),
    Fault("tenfold load", tenfold),
    Fault("slow and hostile clients", clients),
)
