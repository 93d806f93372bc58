"""Kept pages of /metrics, served again with values that go on changing as they did between two readings."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from exporters.exposition import TEXT_TYPE

GROWING = ("_total", "_sum", "_count")
"""Ends of names that only grow; buckets have ``_bucket`` followed by their label"""


class _Series(NamedTuple):
    """What a page's values are made of, by series."""

    names: list[str]
    """lines up to their value"""
    first: NDArray[np.float64]
    growth: NDArray[np.float64]
    """by how much they grow in a gap"""
    swing: NDArray[np.float64]
    """by how much they come and go"""
    unsteady: NDArray[np.float64]
    """1 where growth is by uneven steps, else 0"""
    whole: NDArray[np.bool_]
    """whether only whole numbers are taken"""


@dataclass
class Page:
    """Two readings of a page, ``gap_seconds`` apart.

    What grew goes on growing at the same mean pace, by other steps each time; instants that moved stay as old as they
    were; other values are those of the two readings, by chance. So as many series change from scrape to scrape as did
    between the readings, and a store finds them as hard to pack as real ones.
    """

    first: Path
    second: Path
    gap_seconds: float
    begun: float = field(default_factory=time.time)

    @cached_property
    def _series(self) -> _Series:
        before = dict(_samples(self.first.read_text("utf-8")))
        after = dict(_samples(self.second.read_text("utf-8")))
        names = list(after)
        new = np.array([after[name] for name in names])
        old = np.array([before.get(name, after[name]) for name in names])
        grows = np.array([_is_growing(name) for name in names])
        change = new - old
        moves = np.array(["_timestamp_seconds" in name for name in names]) & (change > 0)
        old[moves] += self.begun - self.first.stat().st_mtime
        return _Series(
            [f"{name} " for name in names],
            old,
            np.where(grows, change, 0.0),
            np.where(grows, 0.0, change),
            np.where(moves, 0.0, 1.0),
            (old % 1 == 0) & (change % 1 == 0),
        )

    def text(self, now: float) -> bytes:
        """The page as of this Unix time."""
        one, gaps = self._series, int((now - self.begun) / self.gap_seconds)
        chance = np.random.default_rng(gaps)
        share = chance.random(len(one.first))
        values = one.first + one.growth * (gaps + one.unsteady * share) + one.swing * (share < 0.5)
        values = np.where(one.whole, np.floor(values), values)
        names = one.names
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
