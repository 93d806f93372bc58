"""What processes hold and use, from /proc: each program with the processes it started."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """One program at one instant, its processes added up; memory in MiB, ``cpu_seconds`` since its start."""

    resident: float = 0.0
    """what is mapped now, shared pages counted in each process"""
    proportional: float = 0.0
    """the same, each shared page divided among those that share it"""
    unique: float = 0.0
    anonymous: float = 0.0
    """what the program itself allocated: no files, no shared memory"""
    files: int = 0
    threads: int = 0
    processes: int = 0
    cpu_seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def family_usage(pid: int) -> Usage:
    """A process and all that descend from it; what ended meanwhile is left out."""
    total = Usage()
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(OSError, psutil.NoSuchProcess):
                total += process_usage(process.pid)
    return total


def peak_mebibytes(pid: int) -> float:
    """The most that was ever mapped of a process at a time, shared pages with it."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024  # type: ignore[index]


def started_for(url: str) -> int:
    """Our own child that listens at this loopback URL's port, itself or by a process it has started."""
    port = int(re.sub(r".*:(\d+).*", r"\1", url))
    found = [
        one.pid
        for one in psutil.net_connections("tcp")
        if one.status == "LISTEN" and one.laddr and one.laddr.port == port
    ]
    pid = next(pid for pid in found if pid)
    while (parent := psutil.Process(pid).ppid()) != os.getpid():
        pid = parent
    return pid


def process_usage(pid: int) -> Usage:
    """One process; raises OSError when it is gone."""
    folder = Path(f"/proc/{pid}")
    rollup = dict(_kilobytes((folder / "smaps_rollup").read_text("ascii")))
    status = (folder / "stat").read_text("utf-8").rpartition(") ")[2].split()
    # Fields 14 to 17 of proc(5)'s stat, of which two have gone: time of its own and of children it waited for.
    return Usage(
        resident=rollup["Rss"] / 1024,
        proportional=rollup["Pss"] / 1024,
        unique=(rollup["Private_Clean"] + rollup["Private_Dirty"]) / 1024,
        anonymous=rollup["Pss_Anon"] / 1024,
        files=len(os.listdir(folder / "fd")),
        threads=int(status[17]),
        processes=1,
        cpu_seconds=sum(map(int, status[11:15])) / TICKS,
    )


def _kilobytes(text: str) -> Iterator[tuple[str, int]]:
    for line in text.splitlines():
        name, _, amount = line.partition(":")
        if amount.endswith(" kB"):
            yield name, int(amount[:-3])
