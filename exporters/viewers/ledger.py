"""Counts the settled life of sessions into their own facts, their broadcast's totals and the metric tables."""

from __future__ import annotations

from exporters.viewers.endings import Ending
from exporters.viewers.reports import PLAYING, PRELOADING, REBUFFERING, SEEKING, UNCLEAR, WAITING
from exporters.viewers.session import Point, Session
from exporters.viewers.tables import ViewerTables

STALLS = ("network", "unknown")
"""causes that count as stalls of the viewer; seeks and ads do not"""


class SessionLedger:
    """The definitions of play, view, stall, startup time and rendition switch."""

    def __init__(self, tables: ViewerTables, view_seconds: float = 3.0) -> None:
        self._tables = tables
        self._view_seconds = view_seconds

    def enter(self, session: Session, point: Point) -> None:
        """A settled change of state, in order."""
        time, _, state, variant, rate, ad = point
        before = session.settled_state
        if session.begun < 0 and state != PRELOADING:
            session.begun = time
        if variant != session.settled_variant or (rate > 0 and rate != session.settled_rate):
            self._switch(session, variant, rate)
        if state != before:
            if state == PLAYING and not session.first_frame:
                self._first_frame(session, time)
            elif session.first_frame and state in (REBUFFERING, WAITING) and before not in (REBUFFERING, WAITING):
                self._stall(session, before, state, ad)
            if before == UNCLEAR:
                session.unclear_seconds = 0.0
            session.settled_state = state

    def credit(self, session: Session, seconds: float) -> None:
        """A settled stretch of time in the state entered last."""
        state = session.settled_state
        if seconds <= 0:
            return
        if state == PLAYING:
            self._watched(session, seconds)
        elif state in (REBUFFERING, WAITING) and session.first_frame:
            self._stalled(session, seconds)
        elif state == UNCLEAR:
            session.unclear_seconds += seconds

    def play(self, session: Session) -> None:
        """The first frame, counted as soon as it is heard of."""
        session.played = session.new_play = True
        session.broadcast.plays += 1
        session.broadcast.cell("plays", session.device.device)[1] += 1

    def end(self, session: Session, ending: Ending) -> None:
        """The end of a session that tried to play."""
        broadcast = session.broadcast
        broadcast.cell("ended", ending.label)[1] += 1
        self._tables.durations.observe(max(0.0, session.newest - session.joined))
        category = "business" if session.business else "technical"
        if ending.kind == "start_failure":
            broadcast.start_failures += 1
            broadcast.cell("start_failures", category)[1] += 1
        elif ending.kind == "playback_failure":
            broadcast.playback_failures += 1
            broadcast.cell("playback_failures", category)[1] += 1
        elif ending.kind == "exit_before_start":
            broadcast.exits_before_start += 1
            broadcast.cell("exits")[1] += 1

    def _first_frame(self, session: Session, time: float) -> None:
        session.first_frame = True
        if not session.new_play:
            return  # a session that came back has started before
        if session.told_startup >= 0:
            session.startup_seconds = session.told_startup
        elif session.rank == 3 or (session.starting_at >= 0 and time - session.starting_at <= 1.0):
            # Requests tell only that playback began between two of them: good enough when these are close.
            session.startup_seconds = time - session.begun
        if session.startup_seconds >= 0:
            self._tables.startup.cell(session.broadcast.label).observe(session.startup_seconds)

    def _stall(self, session: Session, before: str, state: str, ad: bool) -> None:
        if ad:
            session.cause = "ad"
        elif before == SEEKING:
            session.cause = "seek"
        else:
            session.cause = "unknown" if state == WAITING else "network"
        session.broadcast.cell("rebuffers", session.cause)[1] += 1
        if session.cause in STALLS:
            session.rebuffers += 1
            session.broadcast.rebuffers += 1
        if session.unclear_seconds:
            self._stalled(session, session.unclear_seconds)
            session.unclear_seconds = 0.0

    def _stalled(self, session: Session, seconds: float) -> None:
        session.broadcast.cell("rebuffer_seconds", session.cause)[1] += seconds
        if session.cause in STALLS:
            session.rebuffer_seconds += seconds
            session.broadcast.rebuffer_seconds += seconds

    def _watched(self, session: Session, seconds: float) -> None:
        broadcast = session.broadcast
        session.watch_seconds += seconds
        broadcast.watch_seconds += seconds
        broadcast.cell("watch", session.device.device)[1] += seconds
        variant = session.settled_variant
        if variant:
            session.variant_seconds += seconds
            broadcast.cell("rendition_seconds", variant)[1] += seconds
        if session.settled_rate > 0:
            amount = session.settled_rate * seconds
            session.rate_seconds += amount
            session.rated_seconds += seconds
            broadcast.cell("rendition_bytes")[1] += amount
        if not session.viewed and session.watch_seconds >= self._view_seconds:
            session.viewed = session.new_view = True
            broadcast.views += 1
            broadcast.cell("views")[1] += 1

    def _switch(self, session: Session, variant: str, rate: float) -> None:
        old_variant, old_rate = session.settled_variant, session.settled_rate
        if variant and variant != old_variant:
            if session.variant_seconds:
                if session.rendition_seconds is None:
                    session.rendition_seconds = {}
                session.rendition_seconds[old_variant] = (
                    session.rendition_seconds.get(old_variant, 0.0) + session.variant_seconds
                )
                session.variant_seconds = 0.0
            session.settled_variant = variant
        if rate > 0:
            session.settled_rate = rate
        known = old_rate > 0 or old_variant
        if not known or not session.first_frame:
            return
        if rate > 0 and old_rate > 0 and rate != old_rate:
            upwards = rate > old_rate
        elif variant and old_variant and variant != old_variant:
            upwards = _height(variant) > _height(old_variant)
        else:
            return
        session.switches += 1
        session.broadcast.switches += 1
        session.broadcast.cell("switches", "up" if upwards else "down")[1] += 1


def _height(variant: str) -> int:
    digits = "".join(character for character in variant.partition("p")[0] if "0" <= character <= "9")
    return int(digits[:9]) if digits else 0
