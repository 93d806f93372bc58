"""An instant on two clocks: the wall clock for what is shown, the steady one for how long things take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instant:
    """``wall`` is Unix seconds, ``steady`` monotonic seconds."""

    wall: float
    steady: float

    def before(self, seconds: float) -> Instant:
        """The instant this many seconds earlier."""
        return Instant(self.wall - seconds, self.steady - seconds)

    def since(self, earlier: Instant) -> float:
        """Seconds from an earlier instant to this one."""
        return self.steady - earlier.steady


Clock = Callable[[], Instant]


def now() -> Instant:
    """The present instant."""
    return Instant(time.time(), time.monotonic())
