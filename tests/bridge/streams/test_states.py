"""The state machine of streams."""

from __future__ import annotations

import pytest

from bridge.streams.record import Status
from bridge.streams.states import ALLOWED, Move, WrongMoveError, check_move

STATUSES: tuple[Status, ...] = ("scheduled", "live", "ended", "cancelled")


@pytest.mark.parametrize(
    ("status", "move"),
    [
        ("scheduled", "start"),
        ("scheduled", "cancel"),
        ("scheduled", "delete"),
        ("live", "stop"),
        ("ended", "resume"),
        ("ended", "delete"),
        ("cancelled", "delete"),
    ],
)
def test_these_moves_are_allowed(status: Status, move: Move) -> None:
    check_move("one", status, move)


def test_every_other_move_is_refused_and_the_error_says_what_is_needed() -> None:
    refused = [(status, move) for move in ALLOWED for status in STATUSES if status not in ALLOWED[move]]
    assert len(refused) == 4 * 5 - 7
    for status, move in refused:
        with pytest.raises(WrongMoveError, match=f"stream 'one' is {status}; {move} needs a stream that is"):
            check_move("one", status, move)
