"""All that can happen to a shard, as plain values that the journal keeps: reports, app events, streams, time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from exporters.viewers.reports import Report, Viewer


class AppEvent(NamedTuple):
    """An engagement event of the app."""

    event_id: str
    stream: str
    event: str
    time: float
    received: float
    user: str
    session: str
    amount: float
    """in ``currency``; 0 when there is none"""
    currency: str
    data: str
    """JSON object, bounded"""


class StreamLive(NamedTuple):
    """The stream directory says that a stream is live since ``started``."""

    stream: str
    started: float
    received: float


class StreamOver(NamedTuple):
    """The stream directory says that a stream has ended, or names it no more."""

    stream: str
    received: float


class HandoffTaken(NamedTuple):
    """The reports before this one were the hand-off batch ``sequence`` of ``source``."""

    source: str
    sequence: int


class Tick(NamedTuple):
    """Time has passed."""

    now: float


class Resumed(NamedTuple):
    """The process was away for so long; nobody is to be given up for it."""

    now: float
    away: float


class ClockSet(NamedTuple):
    """Our clock was set: it says ``now`` where it would have said ``by`` less."""

    now: float
    by: float


Input = Report | AppEvent | StreamLive | StreamOver | HandoffTaken | Tick | Resumed | ClockSet
_KINDS: Final[dict[str, Any]] = {
    "r": Report,
    "e": AppEvent,
    "l": StreamLive,
    "o": StreamOver,
    "h": HandoffTaken,
    "t": Tick,
    "u": Resumed,
    "c": ClockSet,
}
_TAGS: Final = {kind: tag for tag, kind in _KINDS.items()}
_ERRORS, _VIEWER = Report._fields.index("errors"), Report._fields.index("viewer")


def pack(one: Input) -> tuple[Any, ...]:
    """A plain JSON array of an input."""
    if type(one) is Report and one.viewer is not None:
        one = one._replace(viewer=tuple(one.viewer))  # type: ignore[arg-type]
    return (_TAGS[type(one)], *one)


def unpack(row: Sequence[Any]) -> Input:
    """The input of a packed array; raises IndexError, KeyError or TypeError when it is of another version."""
    kind, values = _KINDS[row[0]], list(row[1:])
    if kind is Report:
        values[_ERRORS] = tuple(values[_ERRORS])
        values[_VIEWER] = None if values[_VIEWER] is None else Viewer(*values[_VIEWER])
    made: Input = kind._make(values)
    return made
