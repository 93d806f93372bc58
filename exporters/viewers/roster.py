"""The sessions that live, found by key, by viewer and by user, and by when to look at each of them again."""

from __future__ import annotations

from collections.abc import Iterator, ValuesView

from exporters.viewers.session import Session
from exporters.viewers.wheel import Wheel, bucket_of

MAX_LIVELY = 64
"""Lively sessions that are passed over in one search for the stalest"""


class Roster:
    """All sessions of one shard."""

    def __init__(self) -> None:
        self._by_key: dict[str, Session] = {}
        self._inferred: dict[int, Session] = {}
        """by identity; each living session with an identity is either here or counted in ``_telling``"""
        self._telling: dict[int, int] = {}
        self._by_user: dict[tuple[str, str], Session] = {}
        self._wheel = Wheel()

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: str) -> Session | None:
        return self._by_key.get(key)

    def values(self) -> ValuesView[Session]:
        return self._by_key.values()

    def has(self, session: Session) -> bool:
        """Whether this very session lives."""
        return self._by_key.get(session.key) is session

    def enter(self, session: Session) -> None:
        """A session begins, or is back from a checkpoint."""
        self._by_key[session.key] = session
        identity = session.viewer.identity
        if identity and (session.rank or identity in self._inferred):
            self._telling[identity] = self._telling.get(identity, 0) + 1
        elif identity:
            self._inferred[identity] = session
        if session.named:  # it comes from a checkpoint
            self.name_user(session)
        self._wheel.put(session, session.due)

    def leave(self, session: Session) -> None:
        """A session is over."""
        del self._by_key[session.key]
        identity = session.viewer.identity
        if self._inferred.get(identity) is session:
            del self._inferred[identity]
        elif identity:
            left = self._telling[identity] - 1
            if left:
                self._telling[identity] = left
            else:
                del self._telling[identity]
        if session.user and self._by_user.get((session.stream, session.user)) is session:
            del self._by_user[session.stream, session.user]

    def rename(self, session: Session, key: str) -> None:
        """A viewer who was inferred tells about itself under a key of its own."""
        del self._by_key[session.key]
        session.key = key
        self._by_key[key] = session
        identity = session.viewer.identity
        if self._inferred.get(identity) is session:
            del self._inferred[identity]
            self._telling[identity] = self._telling.get(identity, 0) + 1

    def inferred(self, identity: int) -> Session | None:
        """The living session of a viewer who is only inferred from requests."""
        return self._inferred.get(identity)

    def tells(self, identity: int) -> bool:
        """Whether any living session of this viewer tells about itself."""
        return identity in self._telling

    def of_user(self, stream: str, user: str) -> Session | None:
        """The living session in which this user was named last."""
        found = self._by_user.get((stream, user))
        return found if found is not None and self.has(found) else None

    def name_user(self, session: Session) -> None:
        """The session's user is named in it, and no more in another."""
        before = self._by_user.get((session.stream, session.user))
        if before is not None:
            before.named = False
        session.named = True
        self._by_user[session.stream, session.user] = session

    def expect(self, session: Session, expires: float) -> None:
        """The session is given up at ``expires`` unless it reports before."""
        session.expires = expires
        if expires < session.due - 0.5:
            session.due = expires
            self._wheel.put(session, expires)

    def plan_anew(self) -> None:
        """All sessions were moved in time: look at each when it expires now."""
        self._wheel = Wheel()
        for session in self._by_key.values():
            session.due = session.expires
            self._wheel.put(session, session.due)

    def look_again(self, session: Session) -> None:
        """The session was looked at and lives on."""
        session.due = session.expires
        self._wheel.put(session, session.due)

    def due(self, now: float) -> Iterator[Session]:
        """Sessions whose time may have come by now: some are over, others (by their ``due``) are in for later too."""
        return self._wheel.due(now)

    def stalest(self) -> Session | None:
        """The living session that is to be given up first, or the first of many that reported lately."""
        stalest: Session | None = None
        passed = 0
        for session in self._wheel.soonest():
            if not self.has(session) or bucket_of(session.due) > self._wheel.second:
                continue  # over, or in for later too
            if bucket_of(session.expires) <= self._wheel.second:
                return session
            self.look_again(session)
            if stalest is None or session.expires < stalest.expires:
                stalest = session
            passed += 1
            if passed == MAX_LIVELY:
                break
        return stalest
