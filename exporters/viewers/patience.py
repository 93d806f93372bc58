"""How long a session lives without a report: some times its usual interval, within bounds."""

from __future__ import annotations

from typing import Final

from exporters.viewers.reports import Report
from exporters.viewers.session import Session

SHORTEST_SECONDS, LONGEST_SECONDS = 5.0, 90.0
INFERRED_SECONDS = 30.0
"""The least for viewers who are only inferred from requests"""
FIRST_GAP: Final = {3: 30.0, 2: 3.5, 1: 3.5, 0: 10.0}
"""The interval assumed of a session's first report, by rank"""
TOLD_INTERVALS, ASKED_INTERVALS = 3.0, 2.5
"""Events tell of a leave, requests just stop: who only asks is given up sooner, yet one request may be missing."""


def patience(session: Session) -> float:
    """Seconds after which the session is given up."""
    if session.rank == 3:
        if session.background:
            return LONGEST_SECONDS  # browsers slow down the timers of hidden pages
        return min(LONGEST_SECONDS, max(SHORTEST_SECONDS, TOLD_INTERVALS * session.gap))
    least = SHORTEST_SECONDS if session.rank else INFERRED_SECONDS
    return min(LONGEST_SECONDS, max(least, ASKED_INTERVALS * session.gap))


def learn_gap(session: Session, report: Report, now: float) -> None:
    """Learn a session's usual interval from a report of its best transport, before it is noted as seen."""
    if report.interval > 0:
        session.gap = report.interval
    elif session.rank < 3:
        session.gap = next_gap(session.gap, now - session.seen)
    elif report.event == "t":
        if session.interval_at > 0 and session.highest > 0:
            session.gap = next_gap(session.gap, now - session.interval_at)
        session.interval_at = now


def next_gap(gap: float, observed: float) -> float:
    """The usual interval: grows at once, shrinks slowly; reports that come in one burst say nothing about it."""
    if observed >= gap:
        return observed
    return gap - (gap - observed) * 0.25 if observed > 0.25 else gap
