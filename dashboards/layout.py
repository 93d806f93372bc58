"""Lays panels out on Grafana's grid of 24 columns, left to right, a new line where one is full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dashboards.model import Panel, Section

COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of the grid."""

    x: int
    y: int
    w: int
    h: int


@dataclass(frozen=True, slots=True)
class PlacedSection:
    """A section's title line, its panels and where each goes."""

    section: Section
    place: Place
    panels: tuple[tuple[Panel, Place], ...]


def flow(sections: Sequence[Section]) -> Iterator[PlacedSection]:
    """The sections one below the other; a collapsed one takes up its title line alone."""
    y = 0
    for section in sections:
        head = Place(0, y, COLUMNS, 1)
        panels = tuple(_flow_panels(section.panels, y + 1))
        yield PlacedSection(section, head, panels)
        y = y + 1 if section.collapsed else max((place.y + place.h for _, place in panels), default=y + 1)


def _flow_panels(panels: Sequence[Panel], top: int) -> Iterator[tuple[Panel, Place]]:
    x, y, line = 0, top, 0
    for panel in panels:
        if x + panel.columns > COLUMNS:
            x, y, line = 0, y + line, 0
        yield panel, Place(x, y, panel.columns, panel.rows)
        x, line = x + panel.columns, max(line, panel.rows)
