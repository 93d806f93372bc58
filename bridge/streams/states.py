"""The states of a stream, and the moves between them.

``scheduled`` → ``live`` → ``ended``, or ``scheduled`` → ``cancelled``. A stream that ended because its publisher stayed
away goes on when the publisher comes back; one that a person stopped does not.
"""

from __future__ import annotations

from typing import Literal

from bridge.streams.record import Status

Move = Literal["start", "stop", "cancel", "resume", "delete"]

ALLOWED: dict[Move, frozenset[Status]] = {
    "start": frozenset({"scheduled"}),
    "stop": frozenset({"live"}),
    "cancel": frozenset({"scheduled"}),
    "resume": frozenset({"ended"}),
    "delete": frozenset({"scheduled", "ended", "cancelled"}),
}
RESULT: dict[Move, Status] = {
    "start": "live",
    "stop": "ended",
    "cancel": "cancelled",
    "resume": "live",
}


class WrongMoveError(Exception):
    """The stream's state does not allow this move."""

    def __init__(self, stream_id: str, status: Status, move: Move) -> None:
        allowed = " or ".join(sorted(ALLOWED[move]))
        super().__init__(f"stream {stream_id!r} is {status}; {move} needs a stream that is {allowed}")
        self.status = status
        self.move = move


def check_move(stream_id: str, status: Status, move: Move) -> None:
    """Raises WrongMoveError unless ``move`` may be made from ``status``."""
    if status not in ALLOWED[move]:
        raise WrongMoveError(stream_id, status, move)
