"""CPU use of the host the exporter runs on, for media servers beside it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import psutil

WINDOW_SECONDS = 1.0


def _measure() -> float:
    return float(psutil.cpu_percent(interval=None))


class HostCpu:
    """Measures over windows of at least a second, whoever asks and however often."""

    def __init__(self, measure: Callable[[], float] = _measure, steady: Callable[[], float] = time.monotonic) -> None:
        self._measure = measure
        self._steady = steady
        self._lock = threading.Lock()
        self._ratio: float | None = None
        measure()  # the first answer of psutil has no window behind it
        self._measured = steady()

    def ratio(self) -> float | None:
        """The share of CPU time in use over the last window; None before the first window is over."""
        with self._lock:
            if self._steady() - self._measured >= WINDOW_SECONDS:
                self._ratio = self._measure() / 100
                self._measured = self._steady()
            return self._ratio
