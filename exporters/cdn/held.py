"""Counters that are counted now and shown later: a scrape sees a value only once the checkpoint holds it.

Without this, a process killed between a scrape and a checkpoint would come back with a smaller counter, which
Prometheus reads as a reset and counts the whole value again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

from exporters.exposition import HistogramCell, Histograms, Labels, Samples
from exporters.metrics import Family

SeriesRow = tuple[str, Labels, Any]
"""A changed series for the checkpoint: family name, label values, and the value (a histogram's counts and sum)."""


class HeldCell(list[Any]):
    """One counter series: a sample as scrapes see it, and ``value`` as counted."""

    __slots__ = ("value",)

    def __init__(self, prefix: str) -> None:
        super().__init__((prefix, 0))
        self.value: float = 0


class HeldSamples(Samples):
    """What scrapes see of a family; its cells know what was counted since."""

    def new_cell(self, prefix: str) -> HeldCell:
        return HeldCell(prefix)

    def cells(self) -> dict[Labels, HeldCell]:
        return cast(dict[Labels, HeldCell], self._cells)


class HeldCounters:
    """A counter or gauge family whose values show when ``publish`` is called."""

    def __init__(self, family: Family) -> None:
        self.public = HeldSamples(family)

    def cell(self, *labels: str) -> HeldCell:
        return cast(HeldCell, self.public.cell(*labels))

    def add(self, amount: float, *labels: str) -> None:
        self.cell(*labels).value += amount

    def changed(self) -> Iterator[SeriesRow]:
        """The series whose value is not shown yet."""
        name = self.public.family.name
        return ((name, labels, cell.value) for labels, cell in self.public.cells().items() if cell.value != cell[1])

    def publish(self) -> None:
        for cell in self.public.cells().values():
            cell[1] = cell.value

    def restore(self, rows: Iterable[tuple[Labels, Any]]) -> None:
        for labels, value in rows:
            cell = self.cell(*labels)
            cell.value = cell[1] = value


class HeldHistogram:
    """One histogram series: counts a bucket and their sum as counted, and the cell that scrapes see."""

    __slots__ = ("counts", "shown", "sum")

    def __init__(self, shown: HistogramCell) -> None:
        self.counts: list[float] = list(shown.counts)
        self.sum = shown.sum
        self.shown = shown


class HeldHistograms:
    """A histogram family whose values show when ``publish`` is called."""

    def __init__(self, family: Family) -> None:
        self.public = Histograms(family)
        self._cells: dict[Labels, HeldHistogram] = {}

    def cell(self, *labels: str) -> HeldHistogram:
        found = self._cells.get(labels)
        if found is None:
            found = self._cells[labels] = HeldHistogram(self.public.cell(*labels))
        return found

    def changed(self) -> Iterator[SeriesRow]:
        """The series whose counts are not shown yet."""
        name = self.public.family.name
        for labels, cell in self._cells.items():
            if cell.counts != cell.shown.counts:
                yield name, labels, [cell.counts, cell.sum]

    def publish(self) -> None:
        for cell in self._cells.values():
            if cell.counts != cell.shown.counts:
                cell.shown.counts, cell.shown.sum = cell.counts[:], cell.sum  # type: ignore[assignment]

    def restore(self, rows: Iterable[tuple[Labels, Any]]) -> None:
        """Take stored series back; those whose bucket bounds have changed since start afresh."""
        for labels, (counts, total) in rows:
            cell = self.cell(*labels)
            if len(counts) == len(cell.counts):
                cell.counts, cell.sum = list(counts), total
        self.publish()
