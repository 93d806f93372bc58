"""A row of a benchmark's result, and how rows are shown and kept."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

GOAL = re.compile(r"(?P<sign>[≤≥]) (?P<number>[\d.,]+)")


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure: its value and unit, the goal it is held against, and a peer or limit of the same run."""

    name: str
    value: float
    unit: str
    goal: str = ""
    peer: str = ""
    note: str = ""

    @property
    def figure(self) -> str:
        """The value with its unit, as people write it."""
        digits = f"{self.value:,.0f}" if abs(self.value) >= 1_000 else f"{self.value:.3g}"
        return f"{digits} {self.unit}".strip()

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal in numbers."""
        goal = GOAL.match(self.goal)
        if goal is None:
            return None
        bound = float(goal["number"].replace(",", ""))
        return self.value <= bound if goal["sign"] == "≤" else self.value >= bound


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark measured, and on which day."""

    name: str
    day: str
    quick: bool
    rows: list[Row]


def show(rows: Iterable[Row]) -> str:
    """The rows as an aligned text table."""
    cells = [("what", "measured", "goal", "peer or limit", "note")]
    cells += [(row.name, row.figure, row.goal, row.peer, row.note) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def save(name: str, rows: Iterable[Row], folder: Path, quick: bool) -> None:
    """Keep a result as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    result = Result(name, time.strftime("%Y-%m-%d"), quick, list(rows))
    (folder / f"{name}.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")


def kept(folder: Path) -> list[Result]:
    """The results in a folder, by name."""
    found = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    return [Result(**{**one, "rows": [Row(**row) for row in one["rows"]]}) for one in found if isinstance(one, dict)]
