"""An alert as the app shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

PLATFORM = ""
"""The tenant of alerts about the platform itself, which only admins see; and the channel of those of no stream."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One occurrence of an alert, from when it was raised until it is closed; instants are aware and UTC.

    ``fingerprint`` names what the alert is about; at most one alert of a fingerprint is open.
    """

    fingerprint: str
    tenant_id: str
    channel_id: str
    type: str
    title: str
    message: str
    severity: str
    raised_at: datetime
    stream_id: str = ""
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None

    @property
    def id(self) -> str:
        """The same for every report of one occurrence."""
        text = f"{self.fingerprint} {self.raised_at.timestamp():.3f}"
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert with the id it is kept under (that of its first report)."""

    id: str
    alert: Alert


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts a list asks for; None is no condition. ``about`` is a channel or a stream."""

    tenant_id: str | None = None
    about: str | None = None
    open: bool | None = True
    limit: int = 200
