"""Where a session stands now: its newest state for the gauges, and its first steps, counted once they are known."""

from __future__ import annotations

from typing import Final

from exporters.viewers.audience import STALLED_AWAY_SECONDS, show
from exporters.viewers.ledger import SessionLedger
from exporters.viewers.patience import patience
from exporters.viewers.reports import ENDED, FAILED, PLAYING, PRELOADING, QUIT, REBUFFERING, Report
from exporters.viewers.roster import Roster
from exporters.viewers.session import Session
from exporters.viewers.timeline import REORDER_SECONDS

UNIQUE_SLOT_SECONDS: Final = 600


class Standing:
    """Brings sessions up to their newest point."""

    def __init__(self, roster: Roster, ledger: SessionLedger) -> None:
        self._roster = roster
        self._ledger = ledger

    def reach(self, session: Session, time: float, state: str, now: float) -> None:
        """Show the session's newest state."""
        session.newest = time
        if state == session.state and session.counted:
            session.fatal = session.fatal or state == FAILED
            show(session, now)
            return
        if state != session.state:
            if session.state in (ENDED, QUIT):
                self._roster.expect(session, now + patience(session))
            session.state_at = now
            session.state = state
        session.fatal = state == FAILED
        if state in (ENDED, QUIT):
            self._roster.expect(session, now + REORDER_SECONDS)  # what comes late may still come
        show(session, now)

    def count_start(self, session: Session, report: Report, state: str, now: float) -> None:
        """Count the attempt and the first frame as soon as they are known."""
        if not session.confirmed:
            # Two media requests a second apart are a player; a single one may be anything.
            if not report.media or session.points[-1][0] - session.joined < 1.0:
                return
            session.confirmed = True
            state = PLAYING
            self.reach(session, session.newest, PLAYING, now)
        if not session.attempted and state != PRELOADING:
            session.attempted = True
            session.broadcast.attempts += 1
            session.broadcast.cell("attempts")[1] += 1
            self._note_unique(session, now)
        if state == PLAYING and not session.played:
            self._ledger.play(session)
            if session.shown_state == "starting":
                show(session, now)  # it is known only now that it stalled after the first frame

    def is_stale(self, session: Session, now: float) -> bool:
        """Whether the passing of time alone changes how the session is counted."""
        return (session.attempted and session.unique_slot != int(now) // UNIQUE_SLOT_SECONDS) or _gave_up(session, now)

    def refresh(self, session: Session, now: float) -> None:
        """Count the session as the present time has it."""
        if session.attempted and session.unique_slot != int(now) // UNIQUE_SLOT_SECONDS:
            self._note_unique(session, now)
        if _gave_up(session, now):
            show(session, now)

    def _note_unique(self, session: Session, now: float) -> None:
        session.unique_slot = int(now) // UNIQUE_SLOT_SECONDS
        session.broadcast.viewers.add(session.unique_name(), now)


def _gave_up(session: Session, now: float) -> bool:
    return session.state == REBUFFERING and session.counted and now - session.state_at > STALLED_AWAY_SECONDS
