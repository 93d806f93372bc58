"""When broadcasts begin and end, and what is written when they do."""

from __future__ import annotations

from collections.abc import Callable

from exporters.viewers.broadcast import Broadcast
from exporters.viewers.engine import SessionEngine
from exporters.viewers.inputs import StreamLive, StreamOver
from exporters.viewers.session import Session

GRACE_SECONDS = 60.0
"""A stream that is back within this is the same broadcast: an encoder that reconnected."""
IDLE_SECONDS = 900.0
"""Without a stream list, a broadcast is over when nobody reported for this long."""
RETENTION_SECONDS = 900.0
"""How long the series of an ended broadcast stay."""


class Lifecycle:
    """Follows the stream directory and ends broadcasts: first their sessions, then their totals."""

    def __init__(self, engine: SessionEngine, on_close: Callable[[Broadcast, float], None]) -> None:
        self._engine = engine
        self._on_close = on_close
        self._closing: dict[str, list[Session]] = {}
        engine.before_drop = self._end_early

    def live(self, event: StreamLive) -> None:
        """A stream is live: a new broadcast, or the present one goes on."""
        if not self._engine.has_room(event.stream):
            return
        broadcast = self._engine.broadcast_of(event.stream, event.started)
        broadcast.over_at, broadcast.listed = 0.0, True
        broadcast.started = min(broadcast.started, event.started)

    def over(self, event: StreamOver) -> None:
        """A stream has ended; its broadcast ends after the grace unless it comes back."""
        broadcast = self._engine.broadcasts.get(event.stream)
        if broadcast is not None and not broadcast.over_at:
            broadcast.over_at = event.received

    def turn(self, now: float, limit: int) -> bool:
        """End what is due, at most ``limit`` sessions of it; whether more are waiting."""
        for broadcast in list(self._engine.broadcasts.values()):
            if broadcast.closed:
                if now > max(broadcast.over_at, broadcast.heard) + RETENTION_SECONDS:
                    self._engine.forget_broadcast(broadcast)
            elif broadcast.stream not in self._closing and self._is_over(broadcast, now):
                self._closing[broadcast.stream] = self._sessions_of(broadcast)
        return self._close_some(now, limit)

    def _is_over(self, broadcast: Broadcast, now: float) -> bool:
        if broadcast.over_at:
            return now > broadcast.over_at + GRACE_SECONDS
        idle = now > broadcast.heard + IDLE_SECONDS and not any(broadcast.states.values())
        return idle and not broadcast.listed

    def _close_some(self, now: float, limit: int) -> bool:
        left = limit
        for stream, sessions in list(self._closing.items()):
            broadcast = self._engine.broadcasts[stream]
            if not broadcast.over_at and any(broadcast.states.values()):
                del self._closing[stream]  # it came back meanwhile
                continue
            while sessions and left > 0:
                session = sessions.pop()
                left -= 1
                if self._engine.sessions.has(session):
                    self._engine.end(session, "ended")
            if not sessions and broadcast.sessions:
                sessions = self._closing[stream] = self._sessions_of(broadcast)  # they came meanwhile
            if sessions:
                return True
            del self._closing[stream]
            self._close(broadcast, now)
        return False

    def _sessions_of(self, broadcast: Broadcast) -> list[Session]:
        return [one for one in self._engine.sessions.values() if one.broadcast is broadcast]

    def _close(self, broadcast: Broadcast, now: float) -> None:
        broadcast.closed = True
        broadcast.over_at = broadcast.over_at or now
        self._on_close(broadcast, now)

    def _end_early(self, broadcast: Broadcast) -> None:
        """A broadcast without sessions has to make room for another stream's."""
        self._closing.pop(broadcast.stream, None)
        if not broadcast.closed:
            self._close(broadcast, self._engine.now)
