"""Alerts in bounded memory: for a bridge without a database, and for reading while that is away."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from bridge.alerts.model import Alert, KeptAlert, Wanted


class AlertMemory:
    """The last alerts, with the same rules as the table: one open alert a fingerprint, late reports change nothing."""

    def __init__(self, limit: int = 2000) -> None:
        self._limit = limit
        self._alerts: OrderedDict[str, Alert] = OrderedDict()
        self._open: dict[str, str] = {}
        self._lock = Lock()

    def take(self, alerts: Sequence[Alert]) -> None:
        """Raise or close each alert."""
        with self._lock:
            for alert in alerts:
                self._take(alert)
            self._trim()

    def remember(self, kept: Iterable[KeptAlert]) -> None:
        """Hold these as they are, as the table has them."""
        with self._lock:
            for one in kept:
                self._put(one.id, one.alert)
            self._trim()

    def _trim(self) -> None:
        while len(self._alerts) > self._limit:
            gone_id, gone = self._alerts.popitem(last=False)
            if self._open.get(gone.fingerprint) == gone_id:
                del self._open[gone.fingerprint]

    def get(self, alert_id: str) -> KeptAlert | None:
        alert = self._alerts.get(alert_id)
        return None if alert is None else KeptAlert(alert_id, alert)

    def list(self, wanted: Wanted) -> Sequence[KeptAlert]:
        """The alerts that are wanted, newest first."""
        with self._lock:
            rows = list(self._alerts.items())
        found = [KeptAlert(alert_id, alert) for alert_id, alert in rows if _is_wanted(alert, wanted)]
        found.sort(key=lambda one: one.alert.raised_at, reverse=True)
        return found[: wanted.limit]

    def acknowledge(self, alert_id: str, who: str, at: datetime) -> KeptAlert | None:
        """Note who has seen it first; None when there is no such alert."""
        with self._lock:
            alert = self._alerts.get(alert_id)
            if alert is None:
                return None
            if alert.acknowledged_at is None:
                alert = replace(alert, acknowledged_at=at, acknowledged_by=who)
                self._alerts[alert_id] = alert
            return KeptAlert(alert_id, alert)

    def _take(self, alert: Alert) -> None:
        open_id = self._open.get(alert.fingerprint)
        if open_id is None:
            if alert.id not in self._alerts:
                self._put(alert.id, alert)
            return
        known = self._alerts[open_id]
        if alert.closed_at is None:
            renewed = replace(known, title=alert.title, message=alert.message, severity=alert.severity, data=alert.data)
            self._alerts[open_id] = renewed
        else:
            self._put(open_id, replace(known, closed_at=max(alert.closed_at, known.raised_at)))

    def _put(self, alert_id: str, alert: Alert) -> None:
        self._alerts[alert_id] = alert
        if alert.closed_at is None:
            self._open[alert.fingerprint] = alert_id
        elif self._open.get(alert.fingerprint) == alert_id:
            del self._open[alert.fingerprint]


def _is_wanted(alert: Alert, wanted: Wanted) -> bool:
    return (
        wanted.tenant_id in (None, alert.tenant_id)
        and wanted.about in (None, alert.channel_id, alert.stream_id)
        and wanted.open in (None, alert.closed_at is None)
    )
