"""Faults on the real stack: what was lost, and how long until true numbers, from the moment that it is mended."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from benchmarks.table import Row
from tests.far_host import may_break
from tests.faults.breakable import ground
from tests.faults.faults import FAULTS, Fault
from tests.faults.ground import Ground
from tests.servers import wait_until


def run(quick: bool) -> list[Row]:
    """Each fault in turn on one stack; a quick run strikes every fourth."""
    if not may_break():
        raise RuntimeError("small disks and networks can be made by root alone")
    chosen = FAULTS[::4] if quick else FAULTS
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/tmp") as folder, ground(Path(folder)) as stack:
        seconds = {fault.name: _survive(fault, stack) for fault in chosen}
        lost = _lost(stack)
        stack.wait_minute()
        wrong, kept = stack.wrong_minutes(), len(stack.minutes())
    rows = [Row(name, value, "s to true numbers", note=_told(name, lost)) for name, value in seconds.items()]
    visits = Row("history", len(stack.crowd.visits), "visits", note="; ".join(lost) or "each once and whole")
    minutes = Row("history", kept, "minutes", note="; ".join(wrong) or "no gap, each as measured")
    return [*rows, visits, minutes]


def _survive(fault: Fault, stack: Ground) -> float:
    """Seconds to true numbers, infinite when they did not come."""
    try:
        seconds = fault.survive(stack)
    except AssertionError as error:
        click.echo(f"{fault.name}: {error}", err=True)
        return float("inf")
    click.echo(f"{fault.name}: {seconds:.1f} s")
    return seconds


def _lost(stack: Ground) -> list[str]:
    """What history lacks when everybody has left."""
    stack.everybody_leaves()
    try:
        wait_until(lambda: not stack.lost(), "every visit", 60, every=0.5)
    except AssertionError:
        return stack.lost()
    return []


def _told(fault: str, lost: list[str]) -> str:
    """What was lost of the visits that this fault was struck on."""
    found = [line for line in lost if f" {fault} " in line.partition(": (")[0]]
    return "; ".join(found) or "nothing lost"
