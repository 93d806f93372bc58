"""The life of a session as points in time, put in order before it is counted.

Reports may overtake each other, so the newest ``REORDER_SECONDS`` of a session stay open; older points are settled:
each stretch between two of them is credited to the state that began it. A report about a settled time is late.
"""

from __future__ import annotations

from bisect import insort
from typing import Protocol

from exporters.viewers.session import Point, Session

REORDER_SECONDS = 5.0
BATCH_SECONDS = 5.0
MAX_OPEN_POINTS, KEPT_POINTS = 64, 32
"""A player whose clock stands still, or that tells of too much at once, has only its newest points open."""
LONGEST_STRETCH_SECONDS = 90.0
"""the most that is credited between two reports: the longest that a session lives without any"""


class Ledger(Protocol):
    """Counts what is settled."""

    def enter(self, session: Session, point: Point) -> None:
        """The session came into this state."""

    def credit(self, session: Session, seconds: float) -> None:
        """The session spent this long in the state it entered last."""


def place(session: Session, point: Point) -> bool:
    """Add a point; false when its time is settled already."""
    points = session.points
    if not points or point > points[-1]:
        points.append(point)
    elif session.settled and point < points[0]:
        return False
    else:
        insort(points, point)
    if point[0] < session.joined:
        session.joined = point[0]
    return True


def settle(session: Session, ledger: Ledger) -> None:
    """Count what is older than the reorder window; a few seconds' worth at once, since that is cheaper."""
    points = session.points
    done = 1
    if len(points) > MAX_OPEN_POINTS:
        done = len(points) - KEPT_POINTS
    elif len(points) < 2 or points[1][0] > points[-1][0] - REORDER_SECONDS - BATCH_SECONDS:
        return
    limit = points[-1][0] - REORDER_SECONDS
    while done + 1 < len(points) and points[done + 1][0] <= limit:
        done += 1
    _count(session, points[: done + 1], ledger)
    del points[:done]


def finish(session: Session, ledger: Ledger) -> None:
    """Count all that is left."""
    if session.points:
        _count(session, session.points, ledger)
        del session.points[:-1]


def _count(session: Session, points: list[Point], ledger: Ledger) -> None:
    before = points[0]
    if not session.settled:
        session.settled = True
        session.joined = before[0]
        ledger.enter(session, before)
    seconds = 0.0
    for point in points[1:]:
        seconds += min(point[0] - before[0], LONGEST_STRETCH_SECONDS)
        if point[2:] != before[2:]:
            ledger.credit(session, seconds)
            ledger.enter(session, point)
            seconds = 0.0
        before = point
    if seconds:
        ledger.credit(session, seconds)
