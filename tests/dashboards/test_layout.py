"""Panels flow left to right and top to bottom."""

from __future__ import annotations

from dashboards.layout import Place, flow
from dashboards.model import Panel, Query, Section


def panel(title: str, width: int, kind: str = "stat") -> Panel:
    return Panel(kind, title, "A description.", "short", (Query("up"),), width=width)  # type: ignore[arg-type]


def test_a_full_line_is_followed_by_a_new_one_below_its_tallest_panel() -> None:
    section = Section("One", (panel("a", 12), panel("b", 12, "timeseries"), panel("c", 6)))
    (placed,) = flow([section])
    assert placed.place == Place(0, 0, 24, 1)
    assert [place for _, place in placed.panels] == [Place(0, 1, 12, 4), Place(12, 1, 12, 8), Place(0, 9, 6, 4)]


def test_a_collapsed_section_takes_up_its_title_line_alone() -> None:
    first = Section("One", (panel("a", 24),), collapsed=True)
    second = Section("Two", (panel("b", 24),))
    assert [placed.place.y for placed in flow([first, second])] == [0, 1]
