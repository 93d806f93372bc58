"""The session engine: reports and the passing of time in, sessions, totals and ended-session records out.

It is deterministic: the same reports and clock ticks give the same state, which is what the journal relies on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from exporters.labels import OTHER, BoundedLabel
from exporters.viewers import sequences
from exporters.viewers.audience import show, stop_showing
from exporters.viewers.broadcast import Broadcast, Device
from exporters.viewers.clocks import Clocks
from exporters.viewers.endings import Ending, Past, Remembered, judge
from exporters.viewers.facts import Facts
from exporters.viewers.inference import infer
from exporters.viewers.ledger import SessionLedger
from exporters.viewers.losses import Losses
from exporters.viewers.patience import FIRST_GAP, learn_gap, patience
from exporters.viewers.reports import ENDED, FAILED, QUIT, RANKS, STARTING, Report, Viewer, report_key
from exporters.viewers.roster import Roster
from exporters.viewers.session import NO_VIEWER, Session
from exporters.viewers.standing import Standing
from exporters.viewers.tables import ViewerTables
from exporters.viewers.timeline import finish, place, settle

MAX_SHARING = 1000
"""Broadcasts that share the label ``_other``, as far as they have sessions or came last"""


class SessionEngine:
    """All sessions of one shard. Not thread-safe: its owner holds a lock."""

    def __init__(
        self,
        tables: ViewerTables,
        on_end: Callable[[Session, Ending], None],
        device_of: Callable[[str], Device],
        *,
        view_seconds: float = 3.0,
        max_sessions: int = 500_000,
        max_streams: int = 2000,
        cdns: frozenset[str] = frozenset({"nginx", "cloudfront", "fastly", "cloudflare", "akamai"}),
    ) -> None:
        self.tables = tables
        self.sessions = Roster()
        self.broadcasts: dict[str, Broadcast] = {}
        self.remembered = Remembered()
        self.now = 0.0
        self.epoch = 0
        self.before_change: Callable[[Session], None] = lambda session: None
        """Called with a session that the running checkpoint has not saved yet, before it changes."""
        self.before_drop: Callable[[Broadcast], None] = lambda broadcast: None
        """Called with a broadcast that has to make room for another before it is over."""
        self._ledger = SessionLedger(tables, view_seconds)
        self._standing = Standing(self.sessions, self._ledger)
        self._losses = Losses(tables)
        self._on_end = on_end
        self._device_of = device_of
        self._max_sessions = max_sessions
        self._max_streams = max_streams
        self._labels = BoundedLabel(max_streams, lambda: tables.dropped_series.add(1, "stream"))
        self._facts = Facts(tables, cdns)
        self._clocks = Clocks(tables)

    def needs_viewer(self, key: str) -> bool:
        """Whether a report of this session should tell who the viewer is."""
        session = self.sessions.get(key)
        return session is None or session.viewer.country == "ZZ"

    def broadcast_of(self, stream: str, started: float) -> Broadcast:
        """The present broadcast of a stream, begun when there is none, or only one that is closed."""
        found = self.broadcasts.get(stream)
        if found is not None and found.closed:
            self.drop_broadcast(found)
            found = None
        if found is None:
            label = self._labels.admit(stream)
            found = Broadcast(stream, label, started, self.tables)
            self._add_broadcast(found)
            self.tables.open_stream(label)
        return found

    def has_room(self, stream: str) -> bool:
        """Whether the stream has a broadcast or may have one; one that shares its label may go for it."""
        if stream in self.broadcasts or len(self._labels) < self._max_streams:
            return True
        sharing = self._sharing()
        if len(sharing) < MAX_SHARING:
            return True
        stalest: Broadcast | None = None
        for one in sharing:
            if not one.sessions and (one.closed or stalest is None or one.heard < stalest.heard):
                stalest = one
                if one.closed:
                    break
        if stalest is None:
            return False
        self.before_drop(stalest)
        self.drop_broadcast(stalest)
        return True

    def _add_broadcast(self, broadcast: Broadcast) -> None:
        """Those that share a label stay last, so that a restart gives labels to the same streams."""
        own = len(self._labels)
        if broadcast.label == OTHER or len(self.broadcasts) < own:
            self.broadcasts[broadcast.stream] = broadcast
            return
        rows = list(self.broadcasts.items())
        self.broadcasts = dict([*rows[: own - 1], (broadcast.stream, broadcast), *rows[own - 1 :]])

    def _sharing(self) -> list[Broadcast]:
        """The broadcasts without a label of their own, eldest first."""
        count = len(self.broadcasts) - len(self._labels)
        return list(islice(reversed(self.broadcasts.values()), count))[::-1] if count else []

    def restore_session(self, row: list[Any]) -> None:
        """Take a session of a checkpoint back."""
        stream, viewer, device, values = row
        broadcast = self.broadcast_of(stream, self.now)
        session = Session("", broadcast, Viewer(*viewer), Device(*device), self.now)
        session.load(values)
        session.epoch = self.epoch
        self.sessions.enter(session)
        broadcast.sessions += 1
        if session.background:
            broadcast.backgrounded += 1
        show(session, self.now)

    def forget_cells(self) -> None:
        """Look the counters' cells up again, after the tables were restored."""
        self._facts.forget_cells()
        self._clocks.forget_cells()
        for broadcast in self.broadcasts.values():
            broadcast.forget_cells()

    def drop_broadcast(self, broadcast: Broadcast) -> None:
        """Make room for the stream's next broadcast; its counters go on."""
        self.broadcasts.pop(broadcast.stream, None)
        if broadcast.label == broadcast.stream:
            self._labels.forget(broadcast.label)

    def forget_broadcast(self, broadcast: Broadcast) -> None:
        """Remove a broadcast and its series."""
        self.broadcasts.pop(broadcast.stream, None)
        if broadcast.label == broadcast.stream:
            self.tables.forget_stream(broadcast.label)
            self._labels.forget(broadcast.label)

    def changing(self, session: Session) -> None:
        """Tell that a session is about to change, for the sake of a running checkpoint."""
        if session.epoch != self.epoch:
            self.before_change(session)

    def apply(self, report: Report) -> str:
        """Take one report; gives what came of it: ok, duplicate, late, skewed, superseded, surplus."""
        result = self._apply(report)
        self.tables.count_report(report.transport, report.version, result)
        return result

    def _apply(self, report: Report) -> str:
        now = self.now = max(self.now, report.received)
        rank = RANKS[report.transport]
        key = report_key(report.stream, report.session)
        session = self.sessions.get(key)
        if session is not None and now > session.expires:
            self.end(session, "timeout")
            session = None
        if session is None:
            if rank == 0 and self._is_told(report):
                return "superseded"
            past = self.remembered.get(key, now)
            if past is not None and not past.may_return(report):
                return "late"
            if not self.has_room(report.stream):
                return "surplus"
            session = self._open(report, key, rank, past)
        elif session.epoch != self.epoch:
            self.before_change(session)
        if report.sequence >= 0:
            verdict = self._losses.note(session, report, rank)
            if verdict != sequences.FRESH:
                return "duplicate" if verdict == sequences.DUPLICATE else "late"
        if rank < session.rank and now - session.rank_at <= patience(session):
            session.seen = now
            if session.state not in (ENDED, QUIT):
                session.expires = max(session.expires, now + patience(session))
            if report.viewer is not None:
                self._learn_place(session, report.viewer, now)
            if report.variant and report.rate > 0:
                session.broadcast.variant_name(report.variant, report.rate)
            return "superseded"
        self._hear(session, report, rank, now)
        return self._take(session, report, now)

    def _is_told(self, report: Report) -> bool:
        """Whether a viewer who is only inferred from requests is a session that tells about itself."""
        return report.viewer is not None and self.sessions.tells(report.viewer.identity)

    def _open(self, report: Report, key: str, rank: int, past: Past | None) -> Session:
        viewer = report.viewer or NO_VIEWER
        twin = self.sessions.inferred(viewer.identity) if rank else None
        if twin is not None and twin.rank == 0:
            # A viewer inferred from requests turns out to tell about itself: go on as one session.
            self.changing(twin)
            self.sessions.rename(twin, key)
            twin.confirmed = True
            return twin
        stalest = self.sessions.stalest() if len(self.sessions) >= self._max_sessions else None
        if stalest is not None:
            self.end(stalest, "capacity")
        broadcast = self.broadcast_of(report.stream, self.now)
        session = Session(key, broadcast, viewer, self._device_of(viewer.user_agent), self.now)
        session.epoch = self.epoch
        session.rank = rank
        session.gap = FIRST_GAP[rank]
        session.confirmed = rank > 0
        if past is not None:
            past.give_back(session)
        session.expires = session.due = self.now + patience(session)
        self.sessions.enter(session)
        broadcast.sessions += 1
        return session

    def _hear(self, session: Session, report: Report, rank: int, now: float) -> None:
        """Note that the session lives and how often it reports."""
        session.rank = rank
        session.rank_at = now
        learn_gap(session, report, now)
        session.seen = now
        session.broadcast.heard = now
        if report.background >= 0 and bool(report.background) != session.background:
            session.background = bool(report.background)
            session.broadcast.backgrounded += 1 if session.background else -1
        if session.state not in (ENDED, QUIT):
            self.sessions.expect(session, now + patience(session))
        if report.viewer is not None:
            self._learn_place(session, report.viewer, now)

    def _learn_place(self, session: Session, viewer: Viewer, now: float) -> None:
        """A later report, or one of a lesser transport, may know the country that the first did not."""
        if viewer.country == "ZZ" or session.viewer.country != "ZZ":
            return
        stop_showing(session)
        session.viewer = session.viewer._replace(country=viewer.country, region=viewer.region, city=viewer.city)
        show(session, now)

    def _take(self, session: Session, report: Report, now: float) -> str:
        """The report's own content."""
        time, skewed = self._clocks.our_time(session, report, now)
        self._facts.note(session, report)
        if report.user and report.user == session.user and not session.named:
            named = self.sessions.of_user(session.stream, report.user)
            if named is not None:
                self.changing(named)
            self.sessions.name_user(session)
        if report.event == "rr":  # written when an answer came, about the moment of its request
            self._facts.request(report)
            return "ok"
        if report.event == "e" and report.state != FAILED:
            return "ok"
        if report.event in ("as", "abs"):
            session.ad = True
        elif report.event in ("ae", "abe"):
            session.ad = False
        variant = session.broadcast.variant_name(report.variant, report.rate)
        session.order += 1
        told = report.state or (session.state or STARTING if report.event else "")
        moments = [(time, told)] if told else infer(session, report, time)
        if not moments:
            return "ok"
        for moment, state in moments:
            order = report.sequence if report.sequence >= 0 else session.order
            if not place(session, (moment, order, state, variant, report.rate, session.ad)):
                if moment == time:
                    return "late"
                continue
        newest = session.points[-1]
        self._standing.reach(session, newest[0], newest[2], now)
        self._standing.count_start(session, report, moments[-1][1], now)
        settle(session, self._ledger)
        return "skewed" if skewed else "ok"

    def resume(self, now: float, away: float) -> None:
        """We were away: give every session the time that it could not report in."""
        self.now = max(self.now, now)
        for session in self.sessions.values():
            self.changing(session)
            session.expires += away
            session.seen += away
            session.rank_at += away

    def set_clock(self, now: float, by: float) -> None:
        """Our clock was set: what was before moves with it, so that spans stay as they were."""
        self.now = now
        self.remembered.shift(by)
        for broadcast in self.broadcasts.values():
            broadcast.shift(now, by)
        for session in self.sessions.values():
            self.changing(session)
            session.shift(by)
        self.sessions.plan_anew()

    def advance(self, now: float, limit: int) -> bool:
        """Let time pass for at most ``limit`` sessions; whether more are waiting. Raises the last failure of one."""
        self.now = now = max(self.now, now)
        looked = 0
        failure: Exception | None = None
        for session in islice(self.sessions.due(now), limit):
            looked += 1
            if not self.sessions.has(session) or session.due > now:
                continue
            try:
                self._look(session, now)
            except Exception as error:  # the others have their turn all the same
                failure = error
        if failure is not None:
            raise failure
        return looked >= limit

    def _look(self, session: Session, now: float) -> None:
        if now > session.expires:
            self.end(session, "timeout")
            return
        self.changing(session)
        if self._standing.is_stale(session, now):
            self._standing.refresh(session, now)
        self.sessions.look_again(session)

    def end(self, session: Session, reason: str) -> None:
        """Count and remove a session."""
        self.changing(session)
        try:
            finish(session, self._ledger)
        finally:  # whatever its last points hold, it is over
            stop_showing(session)
            if session.background:
                session.broadcast.backgrounded -= 1
            self.sessions.leave(session)
            session.broadcast.sessions -= 1
            self._losses.close(session)
        ending = judge(session, reason)
        self.tables.evicted.add(1, ending.reason if ending.reason in ("timeout", "capacity") else "ended")
        if session.attempted:
            self._ledger.end(session, ending)
            self.remembered.put(session, ending, self.now)
            self._on_end(session, ending)
