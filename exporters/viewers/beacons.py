"""Our own JSON beacons, for players that speak no CMCD.

One object, or a list of objects: ``{"stream": "demo", "session": "5f0…", "seq": 3, "time": 1795427342806,
"state": "playing", "interval": 5}`` and, where known, ``startupSeconds, bufferSeconds, latencySeconds, bitsPerSecond,
throughputBitsPerSecond, variant, droppedFrames, hidden, ad, errors, user``. ``time`` is the player's clock in
milliseconds, ``seq`` counts the session's beacons from 0, ``interval`` is when the next beacon comes at the latest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from exporters.errors import SourceFormatError
from exporters.viewers.reports import Report, Viewer, is_plain
from exporters.viewers.translate import MAX_SESSION_ID

STATES: Final = {
    "starting": "s",
    "playing": "p",
    "seeking": "k",
    "rebuffering": "r",
    "waiting": "w",
    "paused": "a",
    "ended": "e",
    "failed": "f",
    "quit": "q",
    "preloading": "d",
}
MAX_BEACONS = 64
MAX_USER, MAX_VARIANT = 128, 32


def read_beacons(body: bytes) -> list[dict[str, Any]]:
    """The beacons of a request body; raises SourceFormatError when they are none."""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"not JSON: {error}") from error
    beacons = found if isinstance(found, list) else [found]
    if not beacons or len(beacons) > MAX_BEACONS or not all(isinstance(one, dict) for one in beacons):
        raise SourceFormatError(f"expected an object or a list of 1 to {MAX_BEACONS} objects")
    return beacons


def beacon_stream(beacon: dict[str, Any]) -> str:
    """The stream a beacon is about."""
    stream = beacon.get("stream")
    return stream if isinstance(stream, str) else ""


def beacon_report(
    beacon: dict[str, Any], received: float, viewer: Callable[[str], Viewer | None], queued: float
) -> Report:
    """A beacon as a report; raises SourceFormatError that names the wrong field."""
    session = beacon.get("session")
    if not isinstance(session, str) or not session or len(session) > MAX_SESSION_ID:
        raise SourceFormatError(f"session must be a text of 1 to {MAX_SESSION_ID} characters")
    if not is_plain(session):
        raise SourceFormatError("session has control characters")
    state = beacon.get("state")
    if not isinstance(state, str) or state not in STATES:
        raise SourceFormatError(f"state must be one of {', '.join(STATES)}")
    errors = beacon.get("errors") or ()
    if errors and not isinstance(errors, list):
        raise SourceFormatError("errors must be a list of texts")
    hidden = beacon.get("hidden")
    rate, throughput = _number(beacon, "bitsPerSecond"), _number(beacon, "throughputBitsPerSecond")
    stamp = _number(beacon, "time")
    advert = beacon.get("ad")
    return Report(
        session,
        beacon_stream(beacon),
        "json",
        1,
        received,
        stamp / 1000 if stamp > 0 else -1.0,
        int(_number(beacon, "seq")),
        "t" if advert is None else ("as" if advert else "ae"),
        STATES[state],
        False,  # no media request, so neither starved nor starting up
        False,
        False,
        _number(beacon, "bufferSeconds"),
        -1.0,
        rate / 8 if rate > 0 else -1.0,
        _text(beacon, "variant", MAX_VARIANT),
        _number(beacon, "latencySeconds"),
        throughput / 8 if throughput > 0 else -1.0,
        _number(beacon, "startupSeconds"),
        tuple(str(one)[:128] for one in errors[:8]) if errors else (),
        int(_number(beacon, "droppedFrames")),
        -1 if hidden is None else int(bool(hidden)),
        "",
        "",
        0,
        -1.0,
        _number(beacon, "interval"),
        _text(beacon, "user", MAX_USER),
        viewer(session),
        queued,
    )


def beacon_time(beacon: dict[str, Any]) -> float:
    """The player's clock in Unix seconds, or -1."""
    stamp = _number(beacon, "time")
    return stamp / 1000 if stamp > 0 else -1.0


def _number(beacon: dict[str, Any], name: str) -> float:
    value = beacon.get(name)
    if value is None:
        return -1.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        raise SourceFormatError(f"{name} must be a number, 0 or more")
    return float(value)


def _text(beacon: dict[str, Any], name: str, longest: int) -> str:
    value = beacon.get(name)
    if value is None:
        return ""
    if not isinstance(value, (str, int)) or len(str(value)) > longest:
        raise SourceFormatError(f"{name} must be a text of at most {longest} characters")
    if not is_plain(str(value)):
        raise SourceFormatError(f"{name} has control characters")
    return str(value)
