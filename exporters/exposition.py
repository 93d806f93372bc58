"""Fast text exposition: tables of samples that keep each series' rendered label block.

Rendering a series costs one formatted value, because names and escaped labels are written once when the series is made.
Formats: Prometheus text 0.0.4 and OpenMetrics 1.0.0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any

import orjson

from exporters.metrics import Family

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Labels = tuple[str, ...]
Cell = list[Any]
"""A sample: ``[prefix, value]``. Hot paths may keep it and add to ``cell[1]``."""


def escape(value: str) -> str:
    """A label value as the text formats write it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def label_block(names: Labels, values: Labels) -> str:
    """``{a="x",b="y"}``, or nothing where there are no labels; raises ValueError when the numbers differ."""
    if len(names) != len(values):
        raise ValueError(f"labels {names} got {len(values)} values")
    if not names:
        return ""
    return "{" + ",".join(f'{name}="{escape(value)}"' for name, value in zip(names, values, strict=True)) + "}"


class Samples:
    """The present samples of one gauge or counter family, by label values.

    Safe to write from one thread and render from another: rendering works on a copy of the cell list.
    """

    __slots__ = ("_cells", "family")

    def __init__(self, family: Family) -> None:
        if family.kind == "histogram":
            raise ValueError(f"{family.name} is a histogram")
        self.family = family
        self._cells: dict[Labels, Cell] = {}

    def cell(self, *labels: str) -> Cell:
        """The cell of these label values, made with 0 when new."""
        found = self._cells.get(labels)
        if found is None:
            block = label_block(self.family.labels, labels)
            found = self._cells[labels] = self.new_cell(f"{self.family.name}{block} ")
        return found

    def new_cell(self, prefix: str) -> Cell:
        """The cell of a new sample; a family that keeps more of each may give a list of its own kind."""
        return [prefix, 0]

    def set(self, value: float, *labels: str) -> None:
        self.cell(*labels)[1] = value

    def add(self, amount: float, *labels: str) -> None:
        self.cell(*labels)[1] += amount

    def get(self, *labels: str) -> float | None:
        found = self._cells.get(labels)
        return None if found is None else float(found[1])

    def remove(self, *labels: str) -> None:
        self._cells.pop(labels, None)

    def remove_where(self, label: str, value: str) -> list[Labels]:
        """Remove every series whose ``label`` is ``value``; gives their label values."""
        position = self.family.labels.index(label)
        removed = [key for key in list(self._cells) if key[position] == value]
        for key in removed:
            self._cells.pop(key, None)
        return removed

    def replace(self, values: Iterable[tuple[Labels, float]]) -> None:
        """Make these the only samples; series that stay keep their rendered label block."""
        fresh: dict[Labels, Cell] = {}
        for labels, value in values:
            cell = self.cell(*labels)
            cell[1] = value
            fresh[labels] = cell
        self._cells = fresh

    def items(self) -> Iterator[tuple[Labels, float]]:
        """Label values and value of every sample, as they are now."""
        return iter([(labels, cell[1]) for labels, cell in list(self._cells.items())])

    def total(self) -> float:
        """The sum over all samples."""
        return float(sum(cell[1] for cell in list(self._cells.values())))

    def clear(self) -> None:
        self._cells = {}

    def __len__(self) -> int:
        return len(self._cells)

    def state(self) -> list[list[Any]]:
        """The samples as plain JSON values, for a checkpoint."""
        return [[list(labels), value] for labels, value in self.items()]

    def restore(self, state: Iterable[Iterable[Any]]) -> None:
        """Take the samples of a checkpoint back."""
        self.replace((tuple(labels), value) for labels, value in state)

    def render(self, openmetrics: bool) -> str:
        cells = list(self._cells.values())
        if not cells:
            return ""
        lines = _lines([cell[0] for cell in cells], [cell[1] for cell in cells])
        return header(self.family, openmetrics) + "".join(lines)


def _lines(prefixes: list[str], values: list[float]) -> list[str]:
    """The pieces of the lines of these samples; one JSON text is made several times faster than as many numbers."""
    try:
        text = orjson.dumps(values).decode()
    except orjson.JSONEncodeError:  # whole numbers over 64 bits
        text = "null"
    if "null" in text:  # or what JSON does not have: infinite, not a number
        return [f"{prefix}{value}\n" for prefix, value in zip(prefixes, values, strict=True)]
    lines = [""] * (2 * len(values))
    lines[::2] = prefixes
    lines[1::2] = f"{text[1:-1]},".replace(".0,", ",").replace(",", "\n,").split(",")[:-1]
    return lines


class HistogramCell:
    """The buckets of one histogram series; counts are kept per bucket and summed when rendered."""

    __slots__ = ("bounds", "counts", "prefixes", "sum")

    def __init__(self, family: Family, labels: Labels) -> None:
        block = label_block(family.labels, labels)
        inner = block[1:-1] + "," if block else ""
        bounds = [*(repr(float(bound)) for bound in family.buckets), "+Inf"]
        self.prefixes = [f'{family.name}_bucket{{{inner}le="{bound}"}} ' for bound in bounds]
        self.prefixes += [f"{family.name}_sum{block} ", f"{family.name}_count{block} "]
        self.bounds = family.buckets
        self.counts = [0] * len(bounds)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def render(self) -> str:
        below = list(accumulate(self.counts))
        return "".join(_lines(self.prefixes, [*below, self.sum, below[-1]]))


class Histograms:
    """The present samples of one histogram family, by label values."""

    __slots__ = ("_cells", "family")

    def __init__(self, family: Family) -> None:
        if family.kind != "histogram":
            raise ValueError(f"{family.name} is no histogram")
        self.family = family
        self._cells: dict[Labels, HistogramCell] = {}

    def cell(self, *labels: str) -> HistogramCell:
        found = self._cells.get(labels)
        if found is None:
            found = self._cells[labels] = HistogramCell(self.family, labels)
        return found

    def observe(self, value: float, *labels: str) -> None:
        self.cell(*labels).observe(value)

    def count(self, *labels: str) -> int:
        found = self._cells.get(labels)
        return 0 if found is None else sum(found.counts)

    def remove_where(self, label: str, value: str) -> None:
        position = self.family.labels.index(label)
        for key in [key for key in list(self._cells) if key[position] == value]:
            self._cells.pop(key, None)

    def __len__(self) -> int:
        return len(self._cells)

    def state(self) -> list[list[Any]]:
        return [[list(labels), cell.counts[:], cell.sum] for labels, cell in list(self._cells.items())]

    def restore(self, state: Iterable[Iterable[Any]]) -> None:
        """Take a checkpoint back; series whose bucket bounds have changed since start afresh."""
        for labels, counts, total in state:
            cell = self.cell(*labels)
            if len(counts) == len(cell.counts):
                cell.counts, cell.sum = list(counts), total

    def render(self, openmetrics: bool) -> str:
        cells = list(self._cells.values())
        if not cells:
            return ""
        return header(self.family, openmetrics) + "".join([cell.render() for cell in cells])


Table = Samples | Histograms


def header(family: Family, openmetrics: bool) -> str:
    """The HELP and TYPE lines; OpenMetrics names a counter's family without ``_total``."""
    name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
    help_text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
    if openmetrics:
        help_text = help_text.replace('"', '\\"')
    return f"# HELP {name} {help_text}\n# TYPE {name} {family.kind}\n"


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics, by its media types and quality values (RFC 9110 §12.5.1)."""
    best = {"openmetrics": 0.0, "text": 0.0}
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if parameter.startswith("q="):
                try:
                    quality = float(parameter[2:])
                except ValueError:
                    quality = 0.0
        if media == "application/openmetrics-text":
            best["openmetrics"] = max(best["openmetrics"], quality)
        elif media in ("text/plain", "text/*", "*/*"):
            best["text"] = max(best["text"], quality)
    return best["openmetrics"] > 0 and best["openmetrics"] >= best["text"]


def render(tables: Iterable[Table], openmetrics: bool) -> str:
    """All tables as one text, without the closing EOF line (the server adds it once)."""
    return "".join([table.render(openmetrics) for table in tables])


Clock = Callable[[], float]
