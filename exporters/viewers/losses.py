"""Numbered reports of sessions: repeats are told, and those that never came are counted."""

from __future__ import annotations

from exporters.viewers import sequences
from exporters.viewers.reports import Report
from exporters.viewers.session import Session
from exporters.viewers.tables import ViewerTables


class Losses:
    """Events are numbered apart from reports about requests."""

    def __init__(self, tables: ViewerTables) -> None:
        self._tables = tables

    def note(self, session: Session, report: Report, rank: int) -> int:
        """Note a report's number; gives FRESH, DUPLICATE or LATE."""
        if rank == 3:
            session.highest, session.received_bits, verdict, lost = sequences.take(
                session.highest, session.received_bits, report.sequence
            )
        else:
            session.request_highest, session.request_bits, verdict, lost = sequences.take(
                session.request_highest, session.request_bits, report.sequence
            )
        if lost:
            self._tables.gaps.add(lost, report.transport)
        return verdict

    def close(self, session: Session) -> None:
        """Nothing more is waited for."""
        lost = sequences.missing(session.received_bits) if session.highest >= 0 else 0
        if lost:
            self._tables.gaps.add(lost, "event")
