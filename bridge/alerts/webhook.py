"""Alertmanager's webhook body: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config, version 4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge import problems

ALERTS_LIMIT = 2000
MAX_NOTIFICATION_BYTES = 4 << 20
"""Alertmanager does not tell again what is refused, and a fault of all streams is told at once"""
TEXT_LIMIT = 2000
PAIRS_LIMIT = 64
SEVERITIES = ("critical", "warning", "info")
# Alertmanager writes nanoseconds, and year 1 for an alert that has not ended.
NANOSECONDS = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class Told:
    """One alert of a notification."""

    fingerprint: str
    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime
    source_url: str

    @property
    def severity(self) -> str:
        severity = self.labels.get("severity", "")
        return severity if severity in SEVERITIES else "warning"


def read_notification(body: Any) -> list[Told]:
    """The alerts of a notification; raises a 422 Problem that says what is wrong with it."""
    alerts = body.get("alerts") if isinstance(body, dict) else None
    if not isinstance(alerts, list):
        raise problems.invalid([("alerts", "must be the list of an Alertmanager notification")])
    if len(alerts) > ALERTS_LIMIT:
        raise problems.invalid([("alerts", f"must be at most {ALERTS_LIMIT}; set max_alerts of the webhook")])
    told, bad = [], []
    for position, one in enumerate(alerts):
        try:
            told.append(_read(one))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            bad.append((f"alerts[{position}]", f"is not an alert: {error!r}"[:200]))
    if bad:
        raise problems.invalid(bad[:20])
    return told


def _read(one: Any) -> Told:
    if one["status"] not in ("firing", "resolved"):
        raise ValueError("status must be firing or resolved")
    starts_at = _instant(one["startsAt"])
    labels = _pairs(one["labels"])
    fingerprint = one.get("fingerprint") or " ".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return Told(
        fingerprint=_clean(fingerprint),
        firing=one["status"] == "firing",
        labels=labels,
        annotations=_pairs(one.get("annotations") or {}),
        starts_at=starts_at,
        ends_at=max(starts_at, _instant(one.get("endsAt") or one["startsAt"])),
        source_url=_clean(one.get("generatorURL") or ""),
    )


def _pairs(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError("labels and annotations must be objects")
    return {_clean(name): _clean(text) for name, text in list(value.items())[:PAIRS_LIMIT]}


def _clean(value: Any) -> str:
    """A text as it can be kept: bounded, and without the NUL that PostgreSQL cannot hold."""
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value.replace("\0", "")[:TEXT_LIMIT]


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(NANOSECONDS.sub(r"\1", value))
    if instant.tzinfo is None:
        raise ValueError("instants need a time zone")
    return instant.astimezone(UTC) if instant.year > 1 else instant.replace(tzinfo=UTC)
