"""What a part needs at the target: a straight line through what was measured, and whether the target was among it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN} "
ROUNDING = 1e-9
SAME = 0.01
"""A point this close to the target, as a share of each driver, was measured at it"""


@dataclass(frozen=True, slots=True)
class Law:
    """A base, and a slope for each driver, with the least squared distance from the points."""

    base: float
    slopes: dict[str, float]
    residual: float | None
    """the largest distance of a point; None where points are so few that any line goes through them"""

    def at(self, drivers: Mapping[str, float]) -> float:
        return self.base + sum(slope * drivers[name] for name, slope in self.slopes.items())

    def text(self, unit: str) -> str:
        """As a formula with its largest deviation."""
        terms = [f"{figure(self.base)} {unit}".strip()] if self.base or not self.slopes else []
        terms += [f"{figure(slope)} {TIMES} {name}" for name, slope in self.slopes.items()]
        deviation = "one run" if self.residual is None else f"± {figure(self.residual)}"
        return f"{' + '.join(terms).replace('+ -', MINUS)} ({deviation})"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One quantity of one part: its points, the line, the value at the target, and what follows from it."""

    part: str
    what: str
    unit: str
    points: list[dict[str, float]]
    """drivers, and what else tells the size of the run, and ``value``"""
    law: Law
    value: float
    measured: bool
    means: str = ""

    @property
    def known(self) -> str:
        """How the value is known."""
        if not self.law.slopes:
            return "measured, by unit"
        return "measured" if self.measured else "extrapolated"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the page's table."""
        measured = "; ".join(
            f"{_list(point[name] for point in self.points)} {name}" for name in self.points[0] if name != "value"
        )
        return (
            *(self.part, self.what, measured, self.law.text(self.unit)),
            *(f"{figure(self.value)} {self.unit}".strip(), self.means, self.known),
        )


def law(points: Sequence[Mapping[str, float]], drivers: Sequence[str]) -> Law:
    """The line through points of drivers and ``value``; the mean where there is no driver."""
    matrix = np.array([[1.0, *(point[name] for name in drivers)] for point in points])
    heights = np.array([point["value"] for point in points])
    found, *_ = np.linalg.lstsq(matrix, heights, rcond=None)
    worst = float(np.max(np.abs(matrix @ found - heights)))
    worst = 0.0 if worst < ROUNDING * float(np.max(np.abs(heights))) else worst
    slopes = dict(zip(drivers, map(float, found[1:]), strict=True))
    return Law(float(found[0]), slopes, worst if len(points) > len(drivers) + 1 else None)


def estimate(
    part: str,
    what: str,
    unit: str,
    rows: Iterable[Mapping[str, float]],
    key: str,
    target: Mapping[str, float],
    sizes: Sequence[str] = (),
) -> Estimate:
    """The value of ``key`` at the target's drivers: as measured there, else by the line through all rows.

    Without drivers it is a value by unit, the mean of the rows; ``sizes`` are then shown instead.
    """
    points = [{**{name: row[name] for name in (*target, *sizes)}, "value": row[key]} for row in rows]
    line = law(points, list(target))
    there = [point["value"] for point in points if target and _is_at(point, target)]
    return Estimate(part, what, unit, points, line, there[-1] if there else line.at(target), bool(there))


def _is_at(point: Mapping[str, float], target: Mapping[str, float]) -> bool:
    return all(abs(point[name] - wanted) <= SAME * wanted for name, wanted in target.items())


def figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{float(f'{value:.3g}'):g}"


def _list(numbers: Iterable[float]) -> str:
    return ", ".join(figure(one) for one in sorted(set(numbers)))
