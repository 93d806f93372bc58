"""What a report tells beside the session's state: measurements, errors and answers to single requests."""

from __future__ import annotations

from exporters.exposition import HistogramCell
from exporters.viewers.error_classes import BUSINESS, error_class
from exporters.viewers.reports import Report
from exporters.viewers.session import Session
from exporters.viewers.tables import ViewerTables

KINDS = frozenset({"multivariant", "media", "segment", "part", "init", "key"})


class Facts:
    """Counts measurements; it keeps the histogram cells it needs for every report."""

    def __init__(self, tables: ViewerTables, cdns: frozenset[str]) -> None:
        self._tables = tables
        self._cdns = cdns
        self._buffer = tables.buffer.cell()
        self._throughput: dict[tuple[str, str], HistogramCell] = {}

    def forget_cells(self) -> None:
        """Look the cells up again, after the tables were restored."""
        self._buffer = self._tables.buffer.cell()
        self._throughput.clear()

    def note(self, session: Session, report: Report) -> None:
        """Measurements of one report of the session's best transport."""
        if report.buffer >= 0:
            self._buffer.observe(report.buffer)
        if report.throughput > 0:
            cdn = self.cdn(report.cdn)
            cell = self._throughput.get((cdn, session.device.device))
            if cell is None:
                cell = self._tables.throughput.cell(cdn, session.device.device)
                self._throughput[cdn, session.device.device] = cell
            cell.observe(report.throughput)
        if report.latency >= 0:
            session.latency_sum += report.latency
            session.latency_count += 1
            self._tables.latency.cell(session.broadcast.label).observe(report.latency)
        if report.start_seconds >= 0 and session.told_startup < 0:
            session.told_startup = report.start_seconds
        if report.dropped_frames > session.dropped_frames:
            session.broadcast.cell("dropped_frames")[1] += report.dropped_frames - session.dropped_frames
            session.dropped_frames = report.dropped_frames
        if report.errors:
            self._errors(session, report)
        if report.user and not session.user:
            session.user = report.user

    def request(self, report: Report) -> None:
        """One request as the player saw it (CMCD 2 event ``rr``)."""
        cdn, kind = self.cdn(report.cdn), report.kind if report.kind in KINDS else "other"
        if report.status:
            code = f"{report.status // 100}xx" if 100 <= report.status < 600 else "aborted"
            self._tables.requests.add(1, cdn, kind, code)
        if report.time_to_first_byte >= 0:
            self._tables.request_ttfb.observe(report.time_to_first_byte, cdn, kind)

    def cdn(self, name: str) -> str:
        """A CDN name as a bounded label."""
        return name if name in self._cdns else "other"

    def _errors(self, session: Session, report: Report) -> None:
        for code in report.errors:
            name = error_class(code)
            self._tables.errors.add(1, name)
            session.errors += 1
            session.business = name in BUSINESS
