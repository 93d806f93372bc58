"""How sessions appear in the gauges: their state, and whether they count as concurrent viewers."""

from __future__ import annotations

from typing import Final

from exporters.viewers.reports import (
    FAILED,
    PAUSED,
    PLAYING,
    PRELOADING,
    REBUFFERING,
    SEEKING,
    STARTING,
    UNCLEAR,
    WAITING,
)
from exporters.viewers.session import Session

SHOWN: Final = {
    STARTING: "starting",
    PLAYING: "playing",
    REBUFFERING: "rebuffering",
    UNCLEAR: "rebuffering",
    WAITING: "rebuffering",
    SEEKING: "seeking",
    PAUSED: "paused",
    PRELOADING: "paused",
    FAILED: "failed",
}
"""Session state to shown state; ended sessions are not shown."""
_WATCHING: Final = frozenset({STARTING, PLAYING, REBUFFERING, UNCLEAR, WAITING, SEEKING})
_STALLED: Final = frozenset({REBUFFERING, UNCLEAR, WAITING})
STALLED_AWAY_SECONDS = 300.0
"""After a stall of this length nobody is thought to wait any more."""


def show(session: Session, now: float) -> None:
    """Bring the gauges in line with the session's present state."""
    state = session.state
    shown = SHOWN.get(state, "") if session.confirmed else ""
    if shown == "rebuffering" and not session.played:
        shown = "starting"
    broadcast = session.broadcast
    if shown != session.shown_state:
        if session.shown_state:
            broadcast.states[session.shown_state] -= 1
        if shown:
            broadcast.states[shown] += 1
        session.shown_state = shown
    counts = shown != "" and state in _WATCHING
    if counts and state in _STALLED and now - session.state_at > STALLED_AWAY_SECONDS:
        counts = False
    variant = session.points[-1][3] if session.points else ""
    variant = variant or session.shown_variant or session.settled_variant
    if counts and session.counted:
        if variant != session.shown_variant:
            broadcast.change_variant(session.shown_variant, variant)
            session.shown_variant = variant
    elif counts:
        session.shown_variant = variant
        session.counted = True
        broadcast.join(now, session.viewer.country, session.device, variant)
    elif session.counted:
        session.counted = False
        broadcast.leave(session.viewer.country, session.device, session.shown_variant)


def stop_showing(session: Session) -> None:
    """Take the session out of the gauges."""
    if session.shown_state:
        session.broadcast.states[session.shown_state] -= 1
        session.shown_state = ""
    if session.counted:
        session.counted = False
        session.broadcast.leave(session.viewer.country, session.device, session.shown_variant)
