"""Kept pages of /metrics, served again with values that go on changing as they did between two readings."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from exporters.exposition import TEXT_TYPE

GROWING = ("_total", "_sum", "_count")
"""Ends of names that only grow; buckets have ``_bucket`` followed by their label"""


@dataclass
class Page:
    """Two readings of a page, ``gap_seconds`` apart.

    What grew goes on growing at the same pace, instants that moved stay as old as they were, and other values are those
    of the two readings by turns: as many series change from scrape to scrape as did between the readings.
    """

    first: Path
    second: Path
    gap_seconds: float
    begun: float = field(default_factory=time.time)

    @cached_property
    def _series(self) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Lines up to their value, the first values, and by how much they grow and swing in a gap."""
        before = dict(_samples(self.first.read_text("utf-8")))
        after = dict(_samples(self.second.read_text("utf-8")))
        names = list(after)
        new = np.array([after[name] for name in names])
        old = np.array([before.get(name, after[name]) for name in names])
        grows = np.array([_is_growing(name) for name in names])
        change = new - old
        moves = np.array(["_timestamp_seconds" in name for name in names]) & (change > 0)
        old[moves] += self.begun - self.first.stat().st_mtime
        return [f"{name} " for name in names], old, np.where(grows, change, 0.0), np.where(grows, 0.0, change)

    def text(self, now: float) -> bytes:
        """The page as of this Unix time."""
        names, old, growth, swing = self._series
        gaps = int((now - self.begun) / self.gap_seconds)
        values = old + growth * gaps + swing * (gaps % 2)
        numbers = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY).decode()[1:-1].split(",")
        lines = [""] * (2 * len(names))
        lines[::2] = names
        lines[1::2] = [f"{number}\n" for number in numbers]
        return "".join(lines).encode()


@dataclass(frozen=True)
class Replay:
    """Answers ``/NAME/…`` with the page of that name; the pages' folder has ``NAME/a.txt`` and ``NAME/b.txt``."""

    folder: Path
    gaps: dict[str, float]

    def __post_init__(self) -> None:
        pages = {
            name: Page(self.folder / name / "a.txt", self.folder / name / "b.txt", gap)
            for name, gap in self.gaps.items()
        }
        object.__setattr__(self, "_pages", pages)

    def __call__(self, path: str) -> tuple[str, bytes]:
        pages: dict[str, Page] = self._pages  # type: ignore[attr-defined]
        return TEXT_TYPE, pages[path.split("/")[1]].text(time.time())


def _samples(page: str) -> list[tuple[str, float]]:
    rows = (line.rpartition(" ") for line in page.splitlines() if line and line[0] != "#")
    return [(name, float(value)) for name, _, value in rows if value != "NaN"]


def _is_growing(name: str) -> bool:
    bare = name.partition("{")[0]
    return bare.endswith((*GROWING, "_bucket", "_timestamp_seconds"))
