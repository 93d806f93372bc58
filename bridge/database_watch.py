"""Whether the database answers: asked in the background, so that nobody who wants to know has to wait."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from exporters.loop import Loop

log = logging.getLogger(__name__)


class Answering(Protocol):
    """Something that can say whether it answers now."""

    def answers(self) -> bool: ...


class DatabaseWatch(Loop):
    """Asks every few seconds, in a thread of its own."""

    def __init__(
        self, database: Answering, on_seen: Callable[[bool], None] = lambda up: None, interval_seconds: float = 3.0
    ) -> None:
        super().__init__("database-watch")
        self._database = database
        self._on_seen = on_seen
        self._interval_seconds = interval_seconds
        self.is_up = False

    def take_turn(self) -> float:
        self.look()
        return self._interval_seconds

    def look(self) -> None:
        """Ask once."""
        up = self._database.answers()
        if up != self.is_up:
            log.info("the database %s", "answers" if up else "does not answer")
        self.is_up = up
        self._on_seen(up)
