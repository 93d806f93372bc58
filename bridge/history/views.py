"""What the views of history's routes share."""

from __future__ import annotations

from bridge.history.history import History
from bridge.history.visible import Visible
from bridge.problems import unavailable
from bridge.services import Services


class Views:
    """Views over history; each raises a 503 Problem where no database is configured."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def _history(self) -> History:
        if self._services.history is None:
            raise unavailable("history needs a database, and none is configured", 3600)
        history: History = self._services.history
        return history

    @property
    def _visible(self) -> Visible:
        return Visible(self._services, self._history)
