"""Background work: turns taken one after the other in a thread of their own."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0
STOP_SECONDS = 10.0


class Loop(ABC):
    """A worker that takes turns until it is stopped.

    A turn that fails is logged, and the next one comes after the pause before it, at least ``RETRY_SECONDS``.
    """

    def __init__(self, name: str, first_seconds: float = 0.0) -> None:
        """``first_seconds`` is the pause before the first turn."""
        self.stopping = threading.Event()
        self._first_seconds = first_seconds
        self._thread = threading.Thread(target=self._take_turns, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no further turn; returns when the present one has ended."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    @abstractmethod
    def take_turn(self) -> float:
        """Do what is to be done now; gives the seconds until the next turn."""

    def _take_turns(self) -> None:
        pause = self._first_seconds
        while not self.stopping.wait(pause):
            try:
                pause = self.take_turn()
            except Exception:
                log.exception("%s: a turn failed", self._thread.name)
                pause = max(pause, RETRY_SECONDS)
