"""Background work goes on whatever a turn does, until it is stopped."""

from __future__ import annotations

import pytest

from exporters import loop
from exporters.loop import Loop
from tests.servers import wait_until


class Turns(Loop):
    """Counts its turns; the second one fails."""

    def __init__(self) -> None:
        super().__init__("turns")
        self.taken = 0

    def take_turn(self) -> float:
        self.taken += 1
        if self.taken == 2:
            raise ValueError("a turn that fails")
        return 0.0 if self.taken < 5 else 60.0


def test_a_turn_that_fails_does_not_end_the_loop(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.0)
    turns = Turns()
    turns.start()
    wait_until(lambda: turns.taken == 5, "five turns")
    turns.stop()  # also out of a long pause
    assert turns.taken == 5
    assert [record.message for record in caplog.records] == ["turns: a turn failed"]


def test_a_loop_that_never_began_can_be_stopped() -> None:
    Turns().stop()
