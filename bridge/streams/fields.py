"""The body of a stream to create or change: every field checked, every bad one named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bridge import problems
from bridge.streams.record import Status

STREAM_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# Publish names are <id>_<rendition>: an id that ends like a rendition could not be told from one.
RENDITION_END = re.compile(r".*_(\d+p|low|mid|hi|src)", re.IGNORECASE)
TAGS_LIMIT = 30
TAG_LENGTH = 60


class FieldError(ValueError):
    """What is wrong with a field."""


def _text(limit: int, least: int = 0) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value.strip()) <= limit or "\0" in value:
            raise FieldError(f"must be a text of {least} to {limit} characters")
        return value.strip()

    return check


def _optional(check: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else check(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise FieldError("must be true or false")
    return value


def _instant(value: Any) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise FieldError("needs a time zone, such as Z")
        if not 2000 <= instant.year <= 2200:
            raise FieldError("must be in the years 2000 to 2200")
        return instant.astimezone(UTC)
    except FieldError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise FieldError("must be an ISO 8601 instant, such as 2026-11-23T18:00:00Z") from error


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > TAGS_LIMIT:
        raise FieldError(f"must be a list of up to {TAGS_LIMIT} tags")
    check = _text(TAG_LENGTH, 1)
    return tuple(dict.fromkeys(check(tag) for tag in value))


def _choice(*names: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in names:
            raise FieldError(f"must be one of {', '.join(names)}")
        return str(value)

    return check


def _id(value: Any) -> str:
    if not isinstance(value, str) or not STREAM_ID.fullmatch(value):
        raise FieldError("must be 1 to 64 letters, digits, _ or -, beginning with a letter or digit")
    if RENDITION_END.fullmatch(value):
        raise FieldError("must not end like a rendition, such as _720p")
    return value


def _address(value: Any) -> str:
    text = _text(2000)(value)
    if not text.startswith(("https://", "http://")):
        raise FieldError("must be an http or https URL")
    return text


CHANGEABLE: Mapping[str, Callable[[Any], Any]] = {
    "title": _text(200, 1),
    "description": _optional(_text(5000)),
    "scheduled_start": _optional(_instant),
    "tags": _tags,
    "category": _optional(_text(100)),
    "privacy": _choice("public", "unlisted", "private"),
    "chat_enabled": _flag,
    "recording_enabled": _flag,
    "donations_enabled": _flag,
    "thumbnail_url": _optional(_address),
}
CREATABLE: Mapping[str, Callable[[Any], Any]] = {**CHANGEABLE, "id": _id, "channel_id": _text(64, 1)}
TWINS: Mapping[str, str] = {
    re.sub(r"_(.)", lambda found: str(found[1]).upper(), name): name for name in (*CREATABLE, "status")
}


@dataclass(frozen=True, slots=True)
class StreamChange:
    """Checked fields of a body, and the status that it asks for."""

    fields: Mapping[str, Any]
    status: Status | None = None


def read_creation(body: Any) -> StreamChange:
    """The fields of a new stream; raises a 422 Problem that lists every bad one."""
    change = _read(body, CREATABLE)
    if "title" not in change.fields:
        raise problems.invalid([("title", "is needed")])
    return change


def read_change(body: Any) -> StreamChange:
    """The fields of a changed stream; raises a 422 Problem that lists every bad one."""
    return _read(body, {**CHANGEABLE, "status": _choice("scheduled", "live", "ended", "cancelled")})


def _read(body: Any, checks: Mapping[str, Callable[[Any], Any]]) -> StreamChange:
    if not isinstance(body, dict):
        raise problems.invalid([("body", "must be a JSON object")])
    good: dict[str, Any] = {}
    bad: list[tuple[str, str]] = []
    for given, value in body.items():
        name = str(TWINS.get(given, given))
        if name not in checks:
            continue  # clients send their whole object back; what is not ours to change is left alone
        try:
            good[name] = checks[name](value)
        except FieldError as error:
            bad.append((given, str(error)))
    if bad:
        raise problems.invalid(bad)
    status = good.pop("status", None)
    return StreamChange(good, status)
