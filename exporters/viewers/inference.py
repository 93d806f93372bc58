"""The state of a player that tells none, from what it requests (CMCD 1, or only requests).

The last media request says how long the buffer lasts: its length then, and the object's duration. A player that asks
for media with ``bs``, or with ``su`` and an empty buffer, has stalled since the buffer ran dry. Playlist requests after
that moment repeat a frozen buffer length, so they tell nothing: the player may stall or be paused, which the next media
request decides (UNCLEAR until then).
"""

from __future__ import annotations

from exporters.viewers.reports import PLAYING, REBUFFERING, SEEKING, STARTING, UNCLEAR, Report
from exporters.viewers.session import Session

SLACK_SECONDS = 1.0


def infer(session: Session, report: Report, time: float) -> list[tuple[float, str]]:
    """Moments and the states that begin at them, by one request at ``time``; none when it tells nothing."""
    if report.media:
        states = _media(session, report, time)
        if report.buffer >= 0 and report.duration >= 0:
            session.dry_at = time + report.buffer + report.duration
        return states
    if not session.played:
        return [(time, _before_play(session, report, time))]
    if session.state == PLAYING and 0 <= session.dry_at < time:
        if time < session.dry_at + SLACK_SECONDS:
            return []  # too near to tell
        return [(session.dry_at, UNCLEAR), (time, UNCLEAR)]
    return [(time, session.state)]


def _before_play(session: Session, report: Report, time: float) -> str:
    if report.startup or report.transport == "inferred" or not (report.media or report.buffer > 0):
        session.starting_at = time
        return STARTING
    return PLAYING


def _media(session: Session, report: Report, time: float) -> list[tuple[float, str]]:
    if report.transport == "inferred":
        return [(time, PLAYING if session.confirmed else STARTING)]
    if not session.played:
        return [(time, _before_play(session, report, time))]
    emptied = report.starved or (report.startup and report.buffer == 0)
    if not emptied:
        refilled = report.buffer != 0 or session.state != REBUFFERING
        return [(time, PLAYING if refilled else REBUFFERING)]
    if not report.starved and time < session.dry_at:
        return [(time, SEEKING)]  # emptied before it could run dry
    states = []
    if session.state == PLAYING and 0 <= session.dry_at < time:
        states.append((session.dry_at, REBUFFERING))
    states.append((time, REBUFFERING))
    if report.buffer > 0:
        states.append((time, PLAYING))
    return states
