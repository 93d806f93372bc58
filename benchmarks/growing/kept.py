"""The points of the last run of the growth benchmark, kept as JSON, and the page's table made of them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.growing import sizing
from benchmarks.growing.probed import Found

KEPT = Path("var/benchmarks/growth/points.json")
COLUMNS = ("part", "what", "driven by, measured at", "fit", "at the target", "which means", "known by")


def keep(found: Mapping[str, Sequence[Found]], quick: bool) -> None:
    """Keep what was measured, by part."""
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    document = {"day": time.strftime("%Y-%m-%d"), "quick": quick, "parts": found}
    KEPT.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def table(machine: str) -> str:
    """The estimates of a full run as a table in Markdown; empty where the last run was none."""
    document: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {"quick": True}
    if document["quick"]:
        return ""
    rows = [one.cells for one in sizing.estimates(document["parts"])]
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + f"\n\nMeasured on {machine}, {document['day']}."
