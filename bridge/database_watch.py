"""Whether the database answers: asked in the background, so that nobody who wants to know has to wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Answering(Protocol):
    """Something that can say whether it answers now."""

    def answers(self) -> bool: ...


class DatabaseWatch:
    """Asks every few seconds, in a thread of its own."""

    def __init__(
        self, database: Answering, on_seen: Callable[[bool], None] = lambda up: None, interval_seconds: float = 3.0
    ) -> None:
        self._database = database
        self._on_seen = on_seen
        self._interval_seconds = interval_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="database-watch", daemon=True)
        self.is_up = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def look(self) -> None:
        """Ask once."""
        up = self._database.answers()
        if up != self.is_up:
            log.info("the database %s", "answers" if up else "does not answer")
        self.is_up = up
        self._on_seen(up)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:
                log.exception("database watch turn failed")
            self._stop.wait(self._interval_seconds)
