"""Makers of panels, one a kind, with the bounds that follow from the unit."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.model import Link, Panel, Query
from dashboards.thresholds import PLAIN_NUMBER, Steps

RATIO = "percentunit"
SECONDS = "s"
BITS = "bps"
COUNT = "short"
PER_SECOND = "cps"
REQUESTS = "reqps"
HERTZ = "hertz"
BYTES = "bytes"
NO_UNIT = "none"


def stat(
    title: str,
    unit: str,
    query: Query,
    description: str,
    steps: Steps = PLAIN_NUMBER,
    *,
    mappings: Mapping[str, tuple[str, str]] | None = None,
    links: tuple[Link, ...] = (),
    width: int = 4,
) -> Panel:
    """The present value, large."""
    return Panel(
        "stat",
        title,
        description,
        unit,
        (query,),
        steps=steps,
        mappings=mappings or {},
        minimum=0,
        maximum=_maximum(unit),
        links=links,
        width=width,
    )


def lines(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    steps: Steps = (),
    stacked: bool = False,
    links: tuple[Link, ...] = (),
    unbounded: bool = False,
    width: int = 12,
) -> Panel:
    """Values over time; ``unbounded`` for ratios that may pass 1 and numbers that may be negative."""
    return Panel(
        "timeseries",
        title,
        description,
        unit,
        queries,
        steps=steps,
        minimum=None if unbounded else 0,
        maximum=None if unbounded else _maximum(unit),
        stacked=stacked,
        links=links,
        width=width,
    )


def table(
    title: str,
    description: str,
    *queries: Query,
    links: tuple[Link, ...] = (),
    hidden: tuple[str, ...] = (),
    width: int = 12,
) -> Panel:
    """One row a label set, one column a query."""
    return Panel(
        "table", title, description, NO_UNIT, queries, links=links, width=width, hidden_columns=("__name__", *hidden)
    )


def heat(title: str, unit: str, description: str, expr: str, *, width: int = 12) -> Panel:
    """How a histogram's observations spread over its buckets, over time."""
    return Panel("heatmap", title, description, unit, (Query(expr),), minimum=0, width=width)


def states(
    title: str,
    description: str,
    *queries: Query,
    mappings: Mapping[str, tuple[str, str]],
    steps: Steps,
    links: tuple[Link, ...] = (),
    width: int = 24,
) -> Panel:
    """What was well and what was not, over time."""
    return Panel(
        "state-timeline",
        title,
        description,
        NO_UNIT,
        queries,
        mappings=mappings,
        steps=steps,
        links=links,
        minimum=0,
        width=width,
    )


def bars(
    title: str,
    unit: str,
    description: str,
    query: Query,
    steps: Steps,
    *,
    links: tuple[Link, ...] = (),
    width: int = 12,
) -> Panel:
    """The present value of each series as a bar."""
    return Panel(
        "bargauge",
        title,
        description,
        unit,
        (query,),
        steps=steps,
        minimum=0,
        maximum=_maximum(unit),
        links=links,
        width=width,
    )


def _maximum(unit: str) -> float | None:
    return 1 if unit == RATIO else None
