"""Players' clocks against ours: which moment of our time a report speaks of."""

from __future__ import annotations

from exporters.exposition import HistogramCell
from exporters.viewers.reports import Report
from exporters.viewers.session import Session
from exporters.viewers.tables import ViewerTables

MAX_AHEAD_SECONDS, MAX_BACK_SECONDS = 30.0, 10.0
"""How far a player's clock may move against ours before it counts as changed"""
MAX_EARLIER_SECONDS = 90.0
"""How far an overtaken report may lie before all that is known of a session: the longest silence of one that lives"""


class Clocks:
    """Keeps each session's offset, so that spans are the player's own, and observes how long reports take."""

    def __init__(self, tables: ViewerTables) -> None:
        self._tables = tables
        self._delays: dict[str, HistogramCell] = {}

    def forget_cells(self) -> None:
        """Look the histogram cells up again, after the tables were restored."""
        self._delays.clear()

    def our_time(self, session: Session, report: Report, now: float) -> tuple[float, bool]:
        """The report's time by our clock, and whether the player's clock was found changed."""
        if report.time < 0:
            return now, False
        if report.transport not in ("event", "json") and report.version != 2:
            return min(report.time, now), False  # the edge's clock
        if session.offset is None:
            session.offset = now - report.queued - report.time
        time = report.time + session.offset
        skewed = False
        if time > now + MAX_AHEAD_SECONDS:
            skewed, time = True, now
        elif report.sequence == session.highest and time < session.newest - MAX_BACK_SECONDS and report.event != "rr":
            skewed, time = True, session.newest
        if skewed:
            session.offset = time - report.time
        elif time < session.joined - MAX_EARLIER_SECONDS:
            skewed, time = True, session.newest  # this one's time is wrong; it says nothing about the clock
        delays = self._delays.get(report.transport)
        if delays is None:
            delays = self._delays[report.transport] = self._tables.delay.cell(report.transport)
        delays.observe(max(0.0, now - time))
        return time, skewed
