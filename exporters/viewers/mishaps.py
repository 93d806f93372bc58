"""Failures that no input should cause: each is counted by its finder, and a few are logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from traceback import extract_tb

log = logging.getLogger(__name__)
LOG_SECONDS = 60.0


class Mishaps:
    """Logs where something failed, at most once a minute, and never the values, which may name viewers."""

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._clock = clock
        self._logged = -LOG_SECONDS
        self._unlogged = 0

    def note(self, error: Exception) -> None:
        """Something failed."""
        now = self._clock()
        if now - self._logged < LOG_SECONDS:
            self._unlogged += 1
            return
        frames = extract_tb(error.__traceback__, limit=-1)
        place = f"{frames[0].filename}:{frames[0].lineno}" if frames else "an unknown place"
        log.error("%s: %s at %s (and %d before)", self._what, type(error).__name__, place, self._unlogged)
        self._logged, self._unlogged = now, 0
