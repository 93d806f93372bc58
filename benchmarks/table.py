"""A row of a benchmark's result, and how rows are shown and kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: its value and unit, the goal it is held against, and a peer or limit of the same run."""

    name: str
    value: float
    unit: str
    goal: str = ""
    peer: str = ""
    note: str = ""


def show(rows: Iterable[Row]) -> str:
    """The rows as an aligned text table."""
    cells = [("what", "measured", "goal", "peer or limit", "note")]
    cells += [(row.name, f"{row.value:,.4g} {row.unit}".strip(), row.goal, row.peer, row.note) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def save(rows: Iterable[Row], path: Path) -> None:
    """Keep the rows as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
