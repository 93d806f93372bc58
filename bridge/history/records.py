"""Spool records as rows: checked, bounded, and refused when they cannot be stored."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from bridge.history.scopes import is_stream

MAX_STREAM = 128
MAX_TEXT = 128
MAX_AGENT = 512
MAX_COUNT = 2**31 - 1
DEVICES = ("desktop", "mobile", "tablet", "tv", "console", "other")
FOLLOWING, SUBSCRIBING = "follow", "subscription"


class RecordRefusedError(Exception):
    """A spool record says something that cannot be stored."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The times records may have: beyond them a clock was wrong, and partitions would be made without end."""

    earliest: datetime
    latest: datetime

    def check(self, moment: datetime) -> datetime:
        if not self.earliest <= moment <= self.latest:
            raise RecordRefusedError(f"time {moment.isoformat()} is out of bounds")
        return moment


SESSION_COLUMNS = {
    "stream": "text",
    "joined": "timestamptz",
    "session_id": "text",
    "left_at": "timestamptz",
    "watch_seconds": "float8",
    "rebuffer_seconds": "float8",
    "startup_seconds": "float4",
    "live_latency_seconds": "float4",
    "bytes_per_second": "float4",
    "rebuffers": "int4",
    "switches": "int4",
    "errors": "int4",
    "chat_messages": "int4",
    "played": "bool",
    "viewed": "bool",
    "variant": "text",
    "end_reason": "text",
    "user_id": "text",
    "address": "inet",
    "rendition_seconds": "jsonb",
    "engagements": "jsonb",
}
"""The columns of ``sessions`` that a record gives, before client and place."""
STAGED_SESSION_COLUMNS = {
    **SESSION_COLUMNS,
    **dict.fromkeys(("device", "os", "browser", "user_agent", "country", "region", "city", "tenant"), "text"),
    **dict.fromkeys(("engaged", "following", "subscribing"), "bool"),
}


def session_row(record: Mapping[str, Any], tenant: str, bounds: Bounds) -> tuple[Any, ...]:
    """A ``session`` record in the order of STAGED_SESSION_COLUMNS; raises RecordRefusedError."""
    try:
        joined = bounds.check(moment(record["joined"]))
        engagements = {text(name, 32): int(number) for name, number in (record.get("engagements") or {}).items()}
        renditions = {
            text(name, 64): _number(seconds) for name, seconds in (record.get("rendition_seconds") or {}).items()
        }
        return (
            stream_key(record["stream"]),
            joined,
            _key(record["session_id"], MAX_TEXT),
            max(joined, moment(record["left"])),
            _number(record["watch_seconds"]),
            _number(record["rebuffer_seconds"]),
            _maybe(record.get("startup_seconds")),
            _maybe(record.get("live_latency_seconds")),
            _maybe(record.get("average_bytes_per_second")),
            *(_count(record.get(name, 0)) for name in ("rebuffers", "switches", "errors", "chat_messages")),
            bool(record["played"]),
            bool(record["viewed"]),
            *(text(record.get(name), 64) for name in ("variant", "end_reason")),
            text(record.get("user_id"), MAX_TEXT) or None,
            _address(record.get("address")),
            Jsonb(renditions) if len(renditions) > 1 else None,
            Jsonb(engagements) if engagements else None,
            record["device"] if record.get("device") in DEVICES else "other",
            *(text(record.get(name), 64) or "other" for name in ("os", "browser")),
            text(record.get("user_agent"), MAX_AGENT),
            text(record.get("country"), 2) or "ZZ",
            *(text(record.get(name), MAX_TEXT) for name in ("region", "city")),
            tenant,
            bool(engagements),
            bool(engagements.get(FOLLOWING)),
            bool(engagements.get(SUBSCRIBING)),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise RecordRefusedError(f"session record: {error!r}") from error


EVENT_COLUMNS = {
    "stream": "text",
    "at": "timestamptz",
    "event_id": "text",
    "event": "text",
    "user_id": "text",
    "session_id": "text",
    "amount": "float8",
    "currency": "text",
    "data": "jsonb",
}
STAGED_EVENT_COLUMNS = {**EVENT_COLUMNS, "detail": "text", "username": "text", "tenant": "text", "worth": "float8"}
"""With ``worth``, what an event adds to revenue in the platform's currency."""
REVENUE = ("donation", "super_chat", "subscription", "tip")
"""The events whose amounts are revenue."""
_DETAILS = {
    "reaction": ("emote", "emoji", "reaction", "type"),
    "subscription": ("action", "type", "kind"),
    "other": ("eventType", "type", "action"),
}
"""Where an event's data says what tells it apart in roll-ups."""


def event_row(record: Mapping[str, Any], tenant: str, bounds: Bounds, rates: Mapping[str, float]) -> tuple[Any, ...]:
    """An ``event`` record in the order of STAGED_EVENT_COLUMNS; raises RecordRefusedError.

    ``rates`` are the worths of currencies in the platform's; amounts in another are kept, and add nothing to revenue.
    """
    try:
        data = record.get("data") or {}
        event = _key(record["event"], 32)
        amount, currency = record.get("amount"), text(record.get("currency"), 3)
        detail = next((str(data[name]) for name in _DETAILS.get(event, ()) if data.get(name)), "")
        return (
            stream_key(record["stream"]),
            bounds.check(moment(record["time"])),
            _key(record["event_id"], MAX_TEXT),
            event,
            text(record.get("user_id"), MAX_TEXT) or None,
            text(record.get("session_id"), MAX_TEXT) or None,
            None if amount is None else _number(amount),
            currency or None,
            Jsonb(_clean(data)) if data else None,
            text(detail, 32),
            text(data.get("username") or record.get("user_id"), 64),
            tenant,
            max(0.0, _number(amount or 0)) * rates.get(currency, 0.0) if event in REVENUE else 0.0,
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise RecordRefusedError(f"event record: {error!r}") from error


def is_stream_key(name: str) -> bool:
    """Whether a stream of this name can be stored; names that begin with @ are scopes."""
    return 0 < len(name) <= MAX_STREAM and is_stream(name) and "\x00" not in name


def stream_key(value: Any) -> str:
    """A record's stream; raises ValueError when it cannot be stored."""
    name = str(value)
    if not is_stream_key(name):
        raise ValueError(f"stream {name[:40]!r}")
    return name


def moment(value: Any) -> datetime:
    """Unix seconds as an aware instant."""
    return datetime.fromtimestamp(float(value), UTC)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not a finite number")
    return number


def _maybe(value: Any) -> float | None:
    return None if value is None else _number(value)


def _count(value: Any) -> int:
    return min(MAX_COUNT, max(0, int(value)))


def text(value: Any, limit: int) -> str:
    """A text as PostgreSQL takes it, whose texts cannot hold NUL; "" for None."""
    return "" if value is None else str(value).replace("\x00", "")[:limit]


def _key(value: Any, limit: int) -> str:
    key = text(value, limit + 1)
    if not key or len(key) > limit:
        raise ValueError(f"key {key[:40]!r}")
    return key


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {_clean(key): _clean(one) for key, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _address(value: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The network's address: /24 of IPv4, /48 of IPv6. It is truncated again here, whoever wrote the record."""
    if not value:
        return None
    address = ipaddress.ip_address(str(value).partition("/")[0])
    network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return network.network_address
