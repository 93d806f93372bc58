"""App events as clients send them.

``{streamId, eventType, eventData, timestamp, sessionId?, userId?, eventId?}``, one object or a list.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson

from exporters.errors import SourceFormatError
from exporters.nesting import MAX_DEPTH, is_deeper
from exporters.viewers.inputs import AppEvent
from exporters.viewers.reports import is_plain

MAX_EVENTS = 64
MAX_DATA_BYTES = 2048
MAX_ID = 128
LATEST_SECONDS, EARLIEST_SECONDS = 60.0, 86400.0
"""How far ahead and behind the clock a timestamp may be; else the time of arrival is used."""


def read_events(body: bytes) -> list[dict[str, Any]]:
    """The events of a request body; raises SourceFormatError when they are none."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"not JSON: {error}") from error
    events = found if isinstance(found, list) else [found]
    if not events or len(events) > MAX_EVENTS or not all(isinstance(one, dict) for one in events):
        raise SourceFormatError(f"expected an object or a list of 1 to {MAX_EVENTS} objects")
    return events


def app_event(row: dict[str, Any], received: float) -> AppEvent:
    """One event; raises SourceFormatError that names the wrong field."""
    stream, kind = _text(row, "streamId"), _text(row, "eventType")
    if not stream or not kind:
        raise SourceFormatError("streamId and eventType are needed")
    details = row.get("eventData")
    if details is None:
        details = {}
    if not isinstance(details, dict):
        raise SourceFormatError("eventData must be an object")
    if is_deeper(details):
        raise SourceFormatError(f"eventData is nested over {MAX_DEPTH} deep")
    data = orjson.dumps(details, option=orjson.OPT_SORT_KEYS)
    if len(data) > MAX_DATA_BYTES:
        raise SourceFormatError(f"eventData over {MAX_DATA_BYTES} bytes", "size")
    text = data.decode()
    user = _text(row, "userId") or _text(details, "userId")
    session, time = _text(row, "sessionId"), _time(row.get("timestamp"), received)
    given = _text(row, "eventId") or _text(row, "id")
    if not given:  # the same event sent again has the same content
        content = orjson.dumps([stream, kind, str(row.get("timestamp", received)), user, session, text])
        given = blake2b(content, digest_size=16).hexdigest()
    amount = details.get("amount", 0)
    if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 <= amount < 1e9:
        raise SourceFormatError("eventData.amount must be a number, 0 or more")
    currency = details.get("currency") or ""
    if not isinstance(currency, str) or (currency and not (len(currency) == 3 and currency.isalpha())):
        raise SourceFormatError("eventData.currency must be a code of three letters")
    return AppEvent(given, stream, kind, time, received, user, session, float(amount), currency.upper(), text)


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)) or len(str(value)) > MAX_ID:
        raise SourceFormatError(f"{name} must be a text of at most {MAX_ID} characters")
    if not is_plain(str(value)):
        raise SourceFormatError(f"{name} has control characters")
    return str(value)


def _time(value: Any, received: float) -> float:
    """ISO 8601 or Unix milliseconds; the time of arrival when it is missing or absurd."""
    time = received
    if isinstance(value, str):
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError as error:
            raise SourceFormatError("timestamp must be ISO 8601 or Unix milliseconds") from error
        time = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        time = float(value) / 1000
    return time if received - EARLIEST_SECONDS <= time <= received + LATEST_SECONDS else received
