"""How sessions end, and what is remembered of them in case they come back."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from exporters.viewers.reports import ENDED, PRELOADING, QUIT, Report
from exporters.viewers.session import Session

Kind = Literal["watched", "start_failure", "playback_failure", "exit_before_start", "left_at_once"]
LEFT_AT_ONCE_SECONDS = 1.0
REMEMBERED_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a session ended (``reason`` for history, ``label`` for the counter) and what kind of visit it was."""

    reason: str
    label: str
    kind: Kind

    @property
    def told(self) -> bool:
        """Whether the player said so itself."""
        return self.reason in ("ended", "quit")


def judge(session: Session, reason: str) -> Ending:
    """The ending of a session whose time is all settled; ``reason`` is used when the player told none."""
    if session.fatal:
        reason = "error"
    elif session.state == ENDED:
        reason = "ended"
    elif session.state == QUIT:
        reason = "quit"
    kind: Kind = "watched"
    if session.fatal:
        kind = "playback_failure" if session.played else "start_failure"
    elif not session.played:
        waited = session.newest - session.begun if session.begun >= 0 else 0.0
        kind = "exit_before_start" if waited >= LEFT_AT_ONCE_SECONDS else "left_at_once"
    return Ending(reason, "timeout" if reason == "capacity" else reason, kind)


class Past(NamedTuple):
    """What must not be counted again when a session comes back."""

    forgotten_at: float
    told: bool
    played: bool
    viewed: bool
    highest: int
    received_bits: int
    dropped_frames: int
    offset: float | None

    def may_return(self, report: Report) -> bool:
        """Whether a report is new life, not an echo of the old."""
        if 0 <= report.sequence <= self.highest:
            return False
        if self.told:
            return report.state not in ("", ENDED, QUIT, PRELOADING)
        return report.state not in (ENDED, QUIT)

    def give_back(self, session: Session) -> None:
        """Let a session that came back go on from here."""
        session.attempted = True
        session.played, session.viewed = self.played, self.viewed
        session.highest, session.received_bits = self.highest, self.received_bits
        session.dropped_frames = self.dropped_frames
        session.offset = self.offset


class Remembered:
    """The last sessions that ended, bounded by number and time."""

    def __init__(self, limit: int = 50_000) -> None:
        self._limit = limit
        self._past: OrderedDict[str, Past] = OrderedDict()

    def put(self, session: Session, ending: Ending, now: float) -> None:
        """Remember a session that ended; what has been remembered for long enough, and any above the bound, goes."""
        self._past.pop(session.key, None)  # the oldest stay in front
        self._past[session.key] = Past(
            now + REMEMBERED_SECONDS,
            ending.told,
            session.played,
            session.viewed,
            session.highest,
            session.received_bits,
            session.dropped_frames,
            session.offset,
        )
        while len(self._past) > self._limit or next(iter(self._past.values())).forgotten_at < now:
            self._past.popitem(last=False)

    def get(self, key: str, now: float) -> Past | None:
        """What is remembered of a session, if it is not too long ago."""
        past = self._past.get(key)
        if past is not None and past.forgotten_at < now:
            del self._past[key]
            return None
        return past

    def shift(self, by: float) -> None:
        """Our clock was set by so many seconds."""
        for key, past in self._past.items():
            offset = None if past.offset is None else past.offset + by
            self._past[key] = past._replace(forgotten_at=past.forgotten_at + by, offset=offset)

    def __len__(self) -> int:
        return len(self._past)

    def state(self) -> list[list[Any]]:
        """Plain values, for a checkpoint."""
        return [[key, *past] for key, past in self._past.items()]

    def restore(self, rows: list[list[Any]]) -> None:
        """Take a checkpoint back."""
        self._past = OrderedDict((row[0], Past(*row[1:])) for row in rows)
