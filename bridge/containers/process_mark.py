"""What tells a process from any other that ever had its id on this machine."""

from __future__ import annotations

from pathlib import Path

import psutil

START_FIELD = 19  # field 22 of /proc/PID/stat, counted from the one after the name (proc(5))


def process_mark(process_id: int) -> str | None:
    """The boot and the moment after it at which the process began, which no change of the clock moves; None for none.

    A process that has ended and is not yet waited for is none.
    """
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else f"{boot} {fields[START_FIELD]}"


def marked_process(process_id: int, mark: str) -> psutil.Process | None:
    """The running process of this id and mark; None when it has ended."""
    if process_mark(process_id) != mark:
        return None
    try:
        return psutil.Process(process_id)
    except psutil.NoSuchProcess:
        return None
