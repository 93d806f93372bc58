"""The book of alerts: in the database where there is one, else in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from bridge import problems
from bridge.alerts.memory import AlertMemory
from bridge.alerts.model import Alert, KeptAlert, Wanted
from bridge.alerts.store import AlertStore
from bridge.database import DatabaseUnavailableError


class AlertBook:
    """Takes, lists and acknowledges alerts. Writing raises a 503 Problem while a configured database is away, so that
    who tells of an alert tells again; reading then goes on from memory."""

    def __init__(self, store: AlertStore | None, memory: AlertMemory) -> None:
        self._store = store
        self._memory = memory

    def take(self, alerts: Sequence[Alert]) -> None:
        """Raise the alerts that are open, close those that are closed."""
        if self._store is not None:
            try:
                self._store.take(alerts)
            except DatabaseUnavailableError as error:
                raise problems.unavailable(str(error)) from error
        self._memory.take(alerts)

    def raise_alert(self, alert: Alert) -> None:
        """Raise one alert, such as of a reached goal."""
        self.take([alert])

    def list(self, wanted: Wanted) -> Sequence[KeptAlert]:
        """The alerts that are wanted, newest first."""
        if self._store is not None:
            try:
                found = self._store.list(wanted)
                self._memory.remember(found)
                return found
            except DatabaseUnavailableError:
                pass
        return self._memory.list(wanted)

    def get(self, alert_id: str) -> KeptAlert:
        """An alert; raises a 404 Problem."""
        try:
            found = (self._store or self._memory).get(alert_id)
        except DatabaseUnavailableError:
            found = self._memory.get(alert_id)
        if found is None:
            raise problems.not_found("alert", alert_id)
        return found

    def acknowledge(self, alert_id: str, who: str) -> KeptAlert:
        """Note that somebody has seen it; raises a 404 or 503 Problem."""
        now = datetime.now(UTC)
        try:
            kept = (self._store or self._memory).acknowledge(alert_id, who, now)
        except DatabaseUnavailableError as error:
            raise problems.unavailable(str(error)) from error
        if kept is None:
            raise problems.not_found("alert", alert_id)
        self._memory.remember([kept])
        return kept
