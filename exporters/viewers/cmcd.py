"""Common Media Client Data (CTA-5004, CTA-5004-B): key-value text, headers and JSON, versions 1 and 2.

Values stay as written until they are asked for, because most keys of most reports are not needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from exporters.errors import SourceFormatError

Cmcd = dict[str, str]
"""Key to value as written; a bare boolean key has the value ``""``."""

MAX_TEXT = 8192
HEADERS = ("cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status")
# Both read any text in linear time: nothing that was read is given back (possessive), and what fits nothing, a run of
# letters before another character or a string without end, is matched as such instead of being tried from its middle.
_STRING = r'"(?:[^"\\]|\\.)*+"'
_PAIR = re.compile(
    rf'([A-Za-z*][A-Za-z0-9_.*-]*+)(?:(?:=({_STRING}|\((?:[^()"\\]|{_STRING})*+\)|[^,]*))?(?:,|$)|([^,=]))'
)
_ITEM = re.compile(rf'(?:(-?[0-9.]++|{_STRING})|"(?:[^"\\]|\\.)*+)((?:;[a-z0-9*_.-]++(?:=[^\s;)]*+)?)*+)')
_VIDEO = frozenset({"v", "av"})
_TOKENS = frozenset({"e", "ot", "sf", "st", "sta", "v"})


def parse(text: str) -> Cmcd:
    """Read the text form (percent-decoded); raises SourceFormatError when it is too long or has no key at all."""
    if len(text) > MAX_TEXT:
        raise SourceFormatError(f"CMCD over {MAX_TEXT} characters", "size")
    if "\\" in text or ", " in text or "," in "".join(text.split('"')[1::2]):
        # Commas that end no pair, or blanks.
        pairs = {key: value for key, value, broken in _PAIR.findall(text) if not broken}
    else:
        pairs = {}
        for part in text.split(","):
            key, _, value = part.partition("=")
            pairs[key] = value
        pairs.pop("", None)
    if not pairs:
        raise SourceFormatError("no CMCD key", "parse")
    return pairs


def parse_headers(headers: Mapping[str, str]) -> Cmcd:
    """Read the four request headers (names in lower case); empty when there is none."""
    text = ",".join(value for name in HEADERS if (value := headers.get(name)))
    return parse(text) if text else {}


def parse_json(body: bytes | str) -> list[Cmcd]:
    """Read the JSON form, an object or a list of them; raises SourceFormatError when it is not that."""
    try:
        values: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"not JSON: {error}") from error
    rows = values if isinstance(values, list) else [values]
    if not all(isinstance(row, dict) for row in rows):
        raise SourceFormatError("CMCD JSON is not an object or a list of objects")
    return [
        {
            str(key): value if key in _TOKENS and isinstance(value, str) else _written(value)
            for key, value in row.items()
            if value is not None
        }
        for row in rows
    ]


def _written(value: Any) -> str:
    """A JSON value as the text form writes it."""
    if value is True:
        return ""
    if value is False:
        return "?0"
    if isinstance(value, list):
        if any(isinstance(item, list) for item in value):
            raise SourceFormatError("CMCD JSON has a nested list")
        return "(" + " ".join(_written(item) for item in value[:64]) + ")"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (int, float)):
        return f"{value:g}" if isinstance(value, float) else str(value)
    raise SourceFormatError("CMCD JSON has a nested object")


def text(value: str) -> str:
    """A string or token without its quotes."""
    if value[:1] == '"':
        value = value[1:-1]
        if "\\" in value:
            value = value.replace('\\"', '"').replace("\\\\", "\\")
    return value


def flag(cmcd: Cmcd, key: str) -> bool:
    """Whether a boolean key is there and true."""
    value = cmcd.get(key)
    return value is not None and value not in ("?0", "false", "0")


def number(value: str | None) -> float:
    """A number, or of an inner list the video's (else the largest); -1 when there is none (RFC 8941 §3.1.1)."""
    if not value:
        return -1.0
    plain = value[1:-1] if value[0] == "(" else value
    try:
        return float(plain)  # nearly always
    except ValueError:
        return _video_number(plain) if plain is not value else -1.0


def _video_number(items: str) -> float:
    best = -1.0
    for item, parameters in _ITEM.findall(items):
        try:
            amount = float(item)
        except ValueError:
            continue
        if _VIDEO.intersection(parameters.split(";")):
            return amount
        best = max(best, amount)
    return best


def strings(value: str | None) -> list[str]:
    """The strings of an inner list, or the one string that stands alone."""
    if not value:
        return []
    if value[0] != "(":
        return [text(value)]
    return [text(item) for item, _ in _ITEM.findall(value) if item]
