"""Writes docs/benchmarks.md, the kept results of every benchmark with what is behind its goal said plainly.

The table of docs/growing.md, between two marks, is written with it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks.growing import kept as growth
from benchmarks.table import Result, Row, kept

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
GROWING = PAGE.with_name("growing.md")
BEGIN, END = "<!-- python -m benchmarks growth -->\n", "<!-- end -->\n"
HEAD = """# Benchmarks

Written by `python -m benchmarks --page` from the results of `python -m benchmarks NAME` (or `make bench BENCH=NAME`).
Measured on {machine}, which other work shares: rates are per CPU second where a row says so.
A peer or limit beside a figure was measured in the same run: hold figures against each other rather than against those
of another machine.

"""
MARKS = {True: "yes", False: "**no**", None: ""}


def write_page(folder: Path) -> None:
    """Write the page from the full results in ``folder``; quick ones are checks, not results, and are left out."""
    results = [one for one in kept(folder) if not one.quick]
    PAGE.write_text(HEAD.format(machine=machine()) + "\n".join(_section(one) for one in results), encoding="utf-8")


def write_growing() -> None:
    """Put the kept estimates of a full run into the page on growing; without one it stays as it is."""
    before, _, rest = GROWING.read_text("utf-8").partition(BEGIN)
    if text := growth.table(machine()):
        GROWING.write_text(f"{before}{BEGIN}{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def machine() -> str:
    """The processor's name and the number of cores."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "a processor")
    return f"{os.cpu_count()} cores of an {name}"


def _section(result: Result) -> str:
    purpose = (importlib.import_module(f"benchmarks.{result.name}").__doc__ or "").strip().splitlines()[0]
    lines = [f"## {result.name}", "", f"{purpose} Measured {result.day}.", "", *_table(result.rows), ""]
    return "\n".join(lines)


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| what | measured | goal | met | peer or limit | note |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        cells = (row.name, row.figure, row.goal, MARKS[row.met], row.peer, row.note)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
