"""How long a session lives without a report: three times its usual interval, within bounds."""

from __future__ import annotations

from typing import Final

from exporters.viewers.session import Session

SHORTEST_SECONDS, LONGEST_SECONDS = 6.0, 90.0
INFERRED_SECONDS = 30.0
"""The least for viewers who are only inferred from requests"""
FIRST_GAP: Final = {3: 30.0, 2: 3.5, 1: 3.5, 0: 10.0}
"""The interval assumed of a session's first report, by rank"""


def patience(session: Session) -> float:
    """Seconds after which the session is given up."""
    if session.background and session.rank == 3:
        return LONGEST_SECONDS  # browsers slow down the timers of hidden pages
    least = SHORTEST_SECONDS if session.rank else INFERRED_SECONDS
    return min(LONGEST_SECONDS, max(least, 3 * session.gap))


def next_gap(gap: float, observed: float) -> float:
    """The usual interval: grows at once, shrinks slowly; reports that come in one burst say nothing about it."""
    if observed >= gap:
        return observed
    return gap - (gap - observed) * 0.25 if observed > 0.25 else gap
