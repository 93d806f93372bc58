"""The parameters of history's routes: read from the request, checked, and named in a 400 or 422 when they are bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from babel import Locale

from bridge.history.selection import Filter
from bridge.history.shapes import DEVICE_NAMES
from bridge.history.window import PERIOD_DAYS, Window
from bridge.problems import bad_parameter, invalid

MOST_DAYS = 5 * 366
MOST_STREAMS = 200
MOST_VALUES = 50
_DEVICE_KEYS = {name: key for key, name in DEVICE_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: streams by name (empty: all that the caller may see), a filter, and a window."""

    streams: tuple[str, ...]
    filter: Filter
    window: Window


def read_filter(arguments: Mapping[str, str], now: datetime) -> Asked:
    """The JSON parameter ``filter``; the last 30 days without one. Raises a 400 Problem."""
    text = arguments.get("filter", "")
    try:
        given = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise bad_parameter("filter", f"is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise bad_parameter("filter", "must be an object")
    zone = read_zone(arguments)
    dates = given.get("dateRange")
    if dates is None:
        window = Window.period("month", now, zone)
    elif isinstance(dates, dict) and isinstance(dates.get("start"), str) and isinstance(dates.get("end"), str):
        window = _between(("filter", "filter"), dates["start"], dates["end"], zone)
    else:
        raise bad_parameter("filter", "dateRange must be an object with start and end")
    lists = {name: _texts(given.get(name), name) for name in ("streamIds", "regions", "devices", "qualities")}
    return Asked(lists["streamIds"], _filter(lists), window)


def read_query(arguments: Mapping[str, str], now: datetime, default: str = "month") -> Asked:
    """``period`` or ``startDate`` and ``endDate``, ``streamIds``, ``regions``, ``devices``, ``qualities``.

    Lists are separated by commas. Raises a 400 Problem.
    """
    zone = read_zone(arguments)
    start, end = arguments.get("startDate"), arguments.get("endDate")
    period = arguments.get("period") or default
    if start or end:
        window = _between(("startDate", "endDate"), start or "", end or now.isoformat(), zone)
    elif period in PERIOD_DAYS:
        window = Window.period(period, now, zone)
    else:
        raise bad_parameter("period", f"must be one of {', '.join(PERIOD_DAYS)}")
    lists = {
        name: _texts([part.strip() for part in arguments.get(name, "").split(",") if part.strip()], name)
        for name in ("streamIds", "regions", "devices", "qualities")
    }
    stream = arguments.get("streamId", "").strip()
    return Asked(lists["streamIds"] or _texts([stream] if stream else None, "streamId"), _filter(lists), window)


def read_zone(arguments: Mapping[str, str]) -> ZoneInfo:
    """``timezone``: an IANA name; UTC without one."""
    name = arguments.get("timezone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise bad_parameter("timezone", "must be an IANA name such as Europe/Berlin") from error


def read_number(arguments: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 1 to ``most``; raises a 400 Problem."""
    text = arguments.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise bad_parameter(name, f"must be a whole number from 1 to {most}")
    return int(text)


def read_choice(arguments: Mapping[str, str], name: str, default: str, choices: Mapping[str, Any]) -> str:
    """One of some words; raises a 400 Problem."""
    text = arguments.get(name, default)
    if text not in choices:
        raise bad_parameter(name, f"must be one of {', '.join(choices)}")
    return text


def _between(names: tuple[str, str], start: str, end: str, zone: ZoneInfo) -> Window:
    first, last = _moment(names[0], start, zone, time()), _moment(names[1], end, zone, None)
    if first >= last:
        raise bad_parameter(names[0], "the start must be before the end")
    if last - first > timedelta(days=MOST_DAYS):
        raise bad_parameter(names[0], f"at most {MOST_DAYS} days can be asked for")
    return Window.of(first, last, zone)


def _moment(name: str, text: str, zone: ZoneInfo, at: time | None) -> datetime:
    """An instant; a date alone is its beginning, or with no ``at`` its end."""
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            found = datetime.combine(day if at is not None else day + timedelta(days=1), time(), zone)
        else:
            moment = datetime.fromisoformat(text)
            found = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        if not 1990 <= found.year <= 2200:
            raise ValueError("out of bounds")
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise bad_parameter(name, f"{text[:40]!r} is no ISO 8601 date or instant") from error


def _texts(given: Any, name: str) -> tuple[str, ...]:
    most = MOST_STREAMS if name == "streamIds" else MOST_VALUES
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) and 0 < len(one) <= 128 for one in given):
        raise bad_parameter(name, "must be a list of texts")
    if len(given) > most:
        raise bad_parameter(name, f"at most {most} can be asked for")
    if any("\x00" in one or (name.startswith("stream") and one.startswith("@")) for one in given):
        raise bad_parameter(name, "has a text that cannot be")
    return tuple(dict.fromkeys(given))


def _filter(lists: Mapping[str, tuple[str, ...]]) -> Filter:
    devices = tuple(_DEVICE_KEYS.get(one.lower(), one.lower()) for one in lists["devices"])
    return Filter(tuple(_country_code(one) for one in lists["regions"]), devices, lists["qualities"])


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    return {str(name).lower(): code for code, name in Locale("en").territories.items() if len(code) == 2}


def _country_code(text: str) -> str:
    """The code of a country's name or code; the text itself where it is a region's name."""
    if len(text) == 2:
        return text.upper()
    return _codes().get(text.lower(), text)


GOAL_FIELDS = {
    "targetViewers": "viewers",
    "targetRevenue": "revenue",
    "targetFollowers": "followers",
    "targetStreamHours": "stream_hours",
    "targetEngagementRate": "engagement_rate",
}


def read_goals(body: Any) -> dict[str, Any]:
    """The fields of a GoalsRequest by our names; raises a 422 Problem that lists every bad one."""
    if not isinstance(body, dict):
        raise invalid([("body", "must be an object")])
    bad, changes = [], {}
    for name, value in body.items():
        if name == "period":
            if isinstance(value, str) and value in PERIOD_DAYS:
                changes["period"] = value
            else:
                bad.append((name, f"must be one of {', '.join(PERIOD_DAYS)}"))
        elif name in GOAL_FIELDS:
            most = 100 if name == "targetEngagementRate" else 1e15
            if value is None or (type(value) in (int, float) and 0 <= value <= most):
                changes[GOAL_FIELDS[name]] = value
            else:
                bad.append((name, f"must be a number from 0 to {most:g}, or null"))
    if bad:
        raise invalid(bad)
    return changes
