"""A period as a page of PDF: the numbers, their course by day, and where and what viewers watched with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fpdf import FPDF, XPos, YPos

from bridge import contract
from bridge.history.history import History
from bridge.history.selection import Selection
from bridge.history.window import Window

FONT_FILES = (
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"),
    Path("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"),
)
"""Debian's fonts-dejavu-core; without it titles outside Latin-1 show question marks."""
FALLBACK_FONT_FILE = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")
"""Debian's fonts-wqy-microhei; it has the Chinese, Japanese and Korean characters that DejaVu lacks."""
FIRST_EAST_ASIAN = "\u2e80"
INK, SOFT, LINE, ACCENT, SECOND = (33, 37, 41), (108, 117, 125), (222, 226, 230), (46, 110, 180), (226, 132, 54)
MARGIN, WIDTH = 15.0, 180.0
LABEL_WIDTH = 15.0
TOP = 8


def report(history: History, selection: Selection, window: Window) -> bytes:
    """The report as PDF."""
    summary = history.summary(selection, window)
    days = history.viewership(selection, window)["days"]
    revenue = history.revenue(selection, window, "")["days"]
    audience = history.audience(selection, window)
    best = history.top_streams(selection, window, "viewers", TOP)
    page = Page()
    page.heading("Streaming analytics", f"{days[0]['date']} to {days[-1]['date']} ({window.zone.key})")
    page.tiles(_tiles(summary))
    page.columns("Views by day", [(one["date"], float(one["views"])) for one in days], ACCENT)
    if any(one["revenue"] for one in revenue):
        page.columns("Revenue by day", [(one["date"], one["revenue"]) for one in revenue], SECOND)
    page.shares("Countries", audience["countries"], "Devices", audience["devices"])
    page.table(best)
    return page.finish()


def _tiles(summary: contract.AnalyticsSummary) -> list[tuple[str, str, float | None]]:
    """Name, number, and growth in percent where there is a period before."""
    grown = summary["growth"]
    return [
        ("Views", f"{summary['totalViews']:,}", grown["views"]),
        ("Unique viewers", f"{summary['uniqueViewers']:,}", grown["viewers"]),
        ("Peak viewers", f"{summary['peakViewers']:,}", None),
        ("Hours watched", f"{summary['totalWatchTime'] / 3600:,.1f}", grown["watchTime"]),
        ("Minutes a view", f"{summary['averageViewTime'] / 60:,.1f}", None),
        ("Hours on air", f"{summary['totalHoursStreamed']:,.1f}", None),
        ("Chat messages", f"{summary['chatMessages']:,}", None),
        ("Revenue", f"{summary['totalRevenue']:,.2f}", grown["revenue"]),
    ]


class Page:
    """An A4 document that is written from top to bottom."""

    def __init__(self) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_margins(MARGIN, MARGIN)
        self._pdf.set_auto_page_break(True, MARGIN)
        self._pdf.set_title("Streaming analytics")
        self._has_fallback = False
        self._has_unicode = all(path.exists() for path in FONT_FILES)
        if self._has_unicode:
            self._pdf.add_font("text", "", FONT_FILES[0])
            self._pdf.add_font("text", "B", FONT_FILES[1])
        self._pdf.add_page()

    def heading(self, title: str, below: str) -> None:
        self._font(18, bold=True)
        self._line(title, 9)
        self._font(10, SOFT)
        self._line(below, 8)

    def tiles(self, tiles: Sequence[tuple[str, str, float | None]]) -> None:
        """Numbers in rows of four."""
        pdf, width, height = self._pdf, WIDTH / 4, 19.0
        top = pdf.get_y() + 1
        for number, (name, value, growth) in enumerate(tiles):
            left, y = MARGIN + (number % 4) * width, top + (number // 4) * height
            pdf.set_draw_color(*LINE)
            pdf.rect(left + 0.7, y, width - 1.4, height - 2)
            self._at(left + 3, y + 2, name, 8, SOFT)
            self._at(left + 3, y + 7, value, 13, INK, bold=True)
            if growth:
                self._at(left + 3, y + 12.5, f"{growth:+.1f} % on the period before", 6.5, SOFT)
        pdf.set_y(top + height * ((len(tiles) + 3) // 4) + 3)

    def columns(self, title: str, points: Sequence[tuple[str, float]], color: tuple[int, int, int]) -> None:
        """A column chart over days, with a scale of round numbers."""
        height = 30.0
        self._title(title, height)
        pdf, left, width = self._pdf, MARGIN + 14, WIDTH - 14
        top = pdf.get_y()
        most = round_up(max((value for _, value in points), default=0) or 1)
        for part in range(5):
            y = top + height * part / 4
            pdf.set_draw_color(*LINE)
            pdf.line(left, y, left + width, y)
            self._at(MARGIN, y - 1.6, short(most * (4 - part) / 4), 7, SOFT)
        step = width / max(1, len(points))
        pdf.set_fill_color(*color)
        for number, (_, value) in enumerate(points):
            tall = height * value / most
            if tall > 0:
                pdf.rect(left + number * step + step * 0.12, top + height - tall, step * 0.76, tall, style="F")
        every = max(1, -(-len(points) // 8))
        for number in range(0, len(points), every):
            at = min(left + number * step, left + width - LABEL_WIDTH)
            self._at(at, top + height + 1, points[number][0], 7, SOFT)
        pdf.set_y(top + height + 8)

    def shares(self, title: str, one: Mapping[str, float], other_title: str, other: Mapping[str, float]) -> None:
        """Two lists of shares in percent, side by side, as bars."""
        half, row = WIDTH / 2, 5.2
        self._title("", row * TOP)
        pdf = self._pdf
        top = pdf.get_y() - 6
        for number, (name, values) in enumerate(((title, one), (other_title, other))):
            left = MARGIN + number * half
            self._at(left, top, name, 11, INK, bold=True)
            best = sorted(values.items(), key=lambda item: -item[1])[:TOP]
            for place, (key, share) in enumerate(best):
                y = top + 7 + place * row
                self._at(left, y, key[:22], 8, INK)
                pdf.set_fill_color(*LINE)
                pdf.rect(left + 36, y + 0.4, 34, 2.8, style="F")
                pdf.set_fill_color(*ACCENT)
                pdf.rect(left + 36, y + 0.4, 34 * share / 100, 2.8, style="F")
                self._at(left + 71.5, y, f"{share:.1f} %", 8, SOFT)
        rows = max(len(one), len(other), 1)
        pdf.set_y(top + 7 + min(rows, TOP) * row + 4)

    def table(self, streams: Sequence[contract.StreamingMetrics]) -> None:
        """The best streams."""
        self._title("Most watched streams", 5.5 * (len(streams) + 1))
        self._font(8)
        self._pdf.set_draw_color(*LINE)
        self._pdf.set_fill_color(255)
        with self._pdf.table(
            col_widths=(70, 22, 22, 22, 22, 22),
            text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT", "RIGHT", "RIGHT"),
            borders_layout="HORIZONTAL_LINES",
            line_height=5.5,
        ) as table:
            table.row(("Stream", "Views", "Unique", "Peak", "Min. a view", "Chat"))
            for one in streams:
                table.row(
                    (
                        self._text(one["title"][:60]),
                        f"{one['totalViewers']:,}",
                        f"{one['uniqueViewers']:,}",
                        f"{one['peakViewers']:,}",
                        f"{one['averageViewTime'] / 60:,.1f}",
                        f"{one['chatMessages']:,}",
                    )
                )

    def finish(self) -> bytes:
        return bytes(self._pdf.output())

    def _title(self, text: str, height: float) -> None:
        """A section's title, on a new page when what follows would not fit."""
        if self._pdf.will_page_break(height + 10):
            self._pdf.add_page()
        self._font(11, bold=True)
        self._line(text, 8)

    def _line(self, text: str, height: float) -> None:
        self._pdf.cell(0, height, self._text(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _at(
        self, x: float, y: float, text: str, size: float, color: tuple[int, int, int], *, bold: bool = False
    ) -> None:
        self._font(size, color, bold=bold)
        self._pdf.set_xy(x, y)
        self._pdf.cell(0, size * 0.42, self._text(text))

    def _font(self, size: float, color: tuple[int, int, int] = INK, *, bold: bool = False) -> None:
        self._pdf.set_font("text" if self._has_unicode else "Helvetica", "B" if bold else "", size)
        self._pdf.set_text_color(*color)

    def _text(self, text: str) -> str:
        if not self._has_unicode:
            return text.encode("latin-1", "replace").decode("latin-1")
        if not self._has_fallback and max(text, default="") >= FIRST_EAST_ASIAN and FALLBACK_FONT_FILE.exists():
            self._has_fallback = True  # only now, because reading that font takes longer than all the rest
            self._pdf.add_font("fallback", "", FALLBACK_FONT_FILE)
            self._pdf.set_fallback_fonts(["fallback"], exact_match=False)
        return text


def round_up(value: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value)


def short(value: float) -> str:
    """A number as a scale shows it."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{letter}"
    return f"{value:g}"
