"""What a dashboard is made of, as values; ``style`` and ``export`` turn them into Grafana's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

PanelKind = Literal["stat", "timeseries", "table", "heatmap", "state-timeline", "bargauge"]
Step = tuple[float | None, str]
"""From this value on (None: from the start), this colour."""
DEFAULT_WIDTHS: Mapping[PanelKind, int] = {
    "stat": 4,
    "timeseries": 12,
    "table": 12,
    "heatmap": 12,
    "state-timeline": 24,
    "bargauge": 12,
}
DEFAULT_HEIGHTS: Mapping[PanelKind, int] = {
    "stat": 4,
    "timeseries": 8,
    "table": 9,
    "heatmap": 8,
    "state-timeline": 7,
    "bargauge": 8,
}


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query of a panel; ``column`` names it in a table, ``unit`` and ``steps`` are that column's."""

    expr: str
    legend: str = ""
    column: str = ""
    unit: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: what it asks, in which unit, what it means and what to do about it."""

    kind: PanelKind
    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    steps: tuple[Step, ...] = ()
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Value → text and colour."""
    minimum: float | None = None
    maximum: float | None = None
    stacked: bool = False
    width: int = 0
    height: int = 0
    links: tuple[Link, ...] = ()
    hidden_columns: tuple[str, ...] = ()

    @property
    def columns(self) -> int:
        """Width in the grid of 24."""
        return self.width or DEFAULT_WIDTHS[self.kind]

    @property
    def rows(self) -> int:
        """Height in grid rows of 30 pixels."""
        return self.height or DEFAULT_HEIGHTS[self.kind]


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a title; ``repeat`` names a variable that it is repeated for."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False
    repeat: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the head of a dashboard: the values of a label, or a text whose query is its default."""

    name: str
    label: str
    query: str
    kind: Literal["many", "one", "text"] = "many"


@dataclass(frozen=True, slots=True)
class Page:
    """One dashboard."""

    uid: str
    title: str
    description: str
    variables: Sequence[Variable]
    sections: Sequence[Section]
    time_from: str = "now-1h"
