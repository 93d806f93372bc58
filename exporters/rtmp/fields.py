"""Reading loosely typed fields of servers' answers: what is absent or of another type gives None or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 256
NOTHING: Mapping[str, Any] = {}


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else NOTHING


def listed(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(value: Any) -> str:
    """A text or number as text, shortened; empty for anything else."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(value: Any) -> float | None:
    """A finite number, also from its text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def whole(value: Any) -> int | None:
    """A whole number of at least 0, also from its text."""
    found = number(value)
    if found is None or found < 0:
        return None
    try:
        return int(value)
    except ValueError:
        return int(found)


def instant(value: Any) -> float | None:
    """Unix seconds of an ISO 8601 instant; None where it is absent, not one, or has no time zone."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if found is None or found.tzinfo is None else found.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
