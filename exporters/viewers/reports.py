"""One report about one viewing session, whatever brought it: the engine's only input about players."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

# What a report's transport is worth: a fact told by several is taken from the highest (events > requests > logs).
RANKS: Final = {"event": 3, "json": 3, "query": 2, "header": 2, "cdn_log": 1, "inferred": 0}

# Session states as CMCD 2 writes them (``sta``), and one of our own.
STARTING, PLAYING, SEEKING, REBUFFERING = "s", "p", "k", "r"
PAUSED, WAITING, ENDED, FAILED, QUIT, PRELOADING = "a", "w", "e", "f", "q", "d"
UNCLEAR = "u"
"""The buffer should be empty, but the player may as well be paused: the next segment request tells."""
STATES = frozenset("spkrawefqd")


class Viewer(NamedTuple):
    """Who watches, as far as it may be kept: no full address."""

    identity: int
    """64-bit keyed hash of stream, address and user agent with the day's salt"""
    address: str
    """truncated to /24 or /48"""
    user_agent: str
    country: str
    region: str
    city: str
    public: bool
    """whether the address is a public one, so that it tells viewers apart"""


class Report(NamedTuple):
    """One report. Missing numbers are -1, missing texts empty. Rates are bytes per second, spans seconds."""

    session: str
    stream: str
    transport: str
    version: int
    received: float
    """Unix seconds at which it arrived here"""
    time: float
    """Unix seconds by the reporter's clock, or -1"""
    sequence: int
    """``sn``: grows by one a report, session and transport"""
    event: str
    """CMCD 2 event token; ``""`` for a request"""
    state: str
    """one of STATES as told, or ``""`` when it must be inferred"""
    media: bool
    """a media object was requested (not a playlist)"""
    starved: bool
    startup: bool
    buffer: float
    duration: float
    """of the requested object"""
    rate: float
    """encoded bitrate"""
    variant: str
    latency: float
    throughput: float
    start_seconds: float
    """``msd``: time from play to first frame"""
    errors: tuple[str, ...]
    dropped_frames: int
    """absolute count of the session"""
    background: int
    """1, 0, or -1 when not told"""
    cdn: str
    kind: str
    status: int
    time_to_first_byte: float
    interval: float
    """time between two reports as the player promises it"""
    user: str
    viewer: Viewer | None
    """None when the engine knows the session already"""
    queued: float = 0.0
    """how much older it is than the newest report that came with it"""


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def is_plain(text: str) -> bool:
    """Whether a name or id has no control characters, which history could not keep."""
    return text.isprintable() or _CONTROL.search(text) is None


def report_key(stream: str, session: str) -> str:
    """How the engine files a session: a player's id is its own only within a stream, whose name has no blanks."""
    return f"{stream} {session}"
