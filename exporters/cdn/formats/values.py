"""Values as logs write them: numbers as strings, ``-`` for nothing, lists of times, percent-encoded texts."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import orjson

from exporters.errors import SourceFormatError

MISSING = frozenset({"", "-"})
MAX_TIME: Final = 64
MAX_NUMBER: Final = 1 << 44
"""No response has so many bytes (17 TB) and no field such a time; sums of what is below it stay far from 63 bits."""


def text(value: Any) -> str:
    """A text; ``-``, null and what is neither text nor number are empty."""
    if type(value) is str:
        return "" if value == "-" else value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def number(row: dict[str, Any], key: str, default: float | None = None) -> float:
    """A finite number of 0 or more, also from a string; raises SourceFormatError when it is missing with no default."""
    value = row.get(key)
    if value is None or value == "" or value == "-":
        if default is None:
            raise SourceFormatError(f"{key} is missing")
        return default
    if type(value) is int and 0 <= value < MAX_NUMBER:
        return value
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceFormatError(f"{key} is no number") from error
    if not 0 <= found < MAX_NUMBER:
        raise SourceFormatError(f"{key} is out of range")
    return found


def whole(row: dict[str, Any], key: str, default: int | None = None) -> int:
    """A whole number, as ``number``."""
    return int(number(row, key, default))


def numbers(listed: str) -> tuple[float, ...]:
    """Numbers of an nginx upstream list such as ``0.1, 0.2 : 0.3``; ``-`` and what is no number are left out."""
    return _numbers(listed[:256])


@lru_cache(maxsize=256)
def _numbers(listed: str) -> tuple[float, ...]:
    found = []
    for part in listed.replace(":", ",").split(",")[:8]:
        try:
            value = float(part)
        except ValueError:
            continue
        if math.isfinite(value) and 0 <= value < MAX_NUMBER:
            found.append(value)
    return tuple(found)


def unquote(encoded: str) -> str:
    """Percent-decoded once. The escapes of CMCD are replaced first because that is far faster than decoding each."""
    if "%" not in encoded:
        return encoded
    encoded = encoded.replace("%3D", "=").replace("%2C", ",").replace("%22", '"')
    if "%" not in encoded:
        return encoded
    return unquote_to_bytes(encoded.encode("utf-8", "replace")).decode("utf-8", "replace")


def query_cmcd(query: str) -> str:
    """The CMCD argument of a query string, percent-decoded once; empty where there is none."""
    if query.startswith("CMCD="):
        start = 5
    else:
        start = query.find("&CMCD=") + 6
        if start < 6:
            return ""
    end = query.find("&", start)
    return unquote(query[start:] if end < 0 else query[start:end])


def join_cmcd(headers: list[str]) -> str:
    """CMCD headers as one text, without those that are empty."""
    return ",".join([header for header in headers if header not in MISSING])


def as_number(value: str, name: str, default: float | None = None) -> float:
    """A finite number of 0 or more from a text; raises SourceFormatError when ``-`` has no default."""
    if value in MISSING:
        if default is None:
            raise SourceFormatError(f"{name} is missing")
        return default
    try:
        found = float(value)
    except ValueError as error:
        raise SourceFormatError(f"{name} is no number") from error
    if not 0 <= found < MAX_NUMBER:
        raise SourceFormatError(f"{name} is out of range")
    return found


def as_whole(value: str, name: str, default: int | None = None) -> int:
    """A whole number, as ``as_number``."""
    return int(as_number(value, name, default))


@lru_cache(maxsize=1024)
def utc_time(text_of_time: str) -> float:
    """Unix seconds of an ISO 8601 time, UTC where it says nothing else; raises SourceFormatError when it is none."""
    if len(text_of_time) > MAX_TIME:
        raise SourceFormatError(f"{text_of_time[:MAX_TIME]!r}… is no time")
    try:
        found = datetime.fromisoformat(text_of_time)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise SourceFormatError(f"{text_of_time!r} is no time") from error


def url_parts(url: str) -> tuple[str, str]:
    """Path, percent-decoded once, and query of a URL or request target."""
    path, _, query = url.partition("?")
    if "://" in path[:8]:
        path = "/" + path.split("://", 1)[1].partition("/")[2]
    return unquote(path), query


def json_row(line: bytes) -> dict[str, Any]:
    """The JSON object of a line, repaired where it is no UTF-8; raises SourceFormatError when it is none."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            row = orjson.loads(line.decode("utf-8", "replace"))
        except (orjson.JSONDecodeError, UnicodeEncodeError) as error:
            raise SourceFormatError(f"no JSON: {error}") from error
    if not isinstance(row, dict):
        raise SourceFormatError("not a JSON object")
    return row
