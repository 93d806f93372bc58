"""Which streams reports are taken for: those that are live, by the stream lists or by configuration."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from exporters.discovery import LiveStream
from exporters.errors import ConfigError

STREAM_NAME = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f][^\s\x00-\x1f\x7f-\x9f]{0,127}")
"""What history can keep, and what leaves a blank to part a stream from a session."""
CHECKED_NAMES = 10_000
REFRESH_SECONDS = 1.0


class Verdict(Enum):
    """What is to be done with a report of a stream."""

    TAKE = "take"
    UNKNOWN = "unknown_stream"
    ENDED = "ended"

    @property
    def sentence(self) -> str:
        """What the player is told."""
        return "the stream has ended" if self is Verdict.ENDED else self.value.replace("_", " ")


class Admission:
    """Decides by a static list and by the stream directory; without any list every stream is taken."""

    def __init__(
        self,
        variable: str,
        allowed: Sequence[str],
        streams: Callable[[], Mapping[str, LiveStream] | None],
        refresh: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        ended_grace_seconds: float = 60.0,
    ) -> None:
        """``streams`` gives None until a first list has come; ``refresh`` asks for a new list now.

        Players still drain their buffers, and encoders come back, for ``ended_grace_seconds``.
        """
        self._streams = streams
        self._refresh = refresh
        self._clock = clock
        self._ended_grace_seconds = ended_grace_seconds
        self._refreshed = -REFRESH_SECONDS
        self._over: dict[str, float] = {}
        self._well_formed: set[str] = set()
        try:
            self._allowed = re.compile("|".join(f"(?:{_pattern(text)})" for text in allowed)) if allowed else None
        except re.error as error:
            raise ConfigError(f"{variable}: {error}; it must be stream ids, * or regular expressions") from error

    def judge(self, stream: str) -> Verdict:
        """The verdict on a report of this stream now."""
        if stream not in self._well_formed and not self._is_well_formed(stream):
            return Verdict.UNKNOWN
        if self._allowed is not None and self._allowed.fullmatch(stream):
            return Verdict.TAKE
        streams = self._streams()
        if streams is None:
            return Verdict.TAKE if self._allowed is None else Verdict.UNKNOWN
        known = streams.get(stream)
        if known is None and stream not in self._over and self._clock() - self._refreshed >= REFRESH_SECONDS:
            self._refreshed = self._clock()
            self._refresh()  # it may have started a moment ago
            known = (self._streams() or {}).get(stream)
        if known is not None and known.state == "live":
            self._over.pop(stream, None)
            return Verdict.TAKE
        ended = self._over.get(stream)
        if ended is None:
            return Verdict.UNKNOWN if known is None else Verdict.TAKE
        return Verdict.ENDED if self._clock() - ended > self._ended_grace_seconds else Verdict.TAKE

    def _is_well_formed(self, stream: str) -> bool:
        if not STREAM_NAME.fullmatch(stream):
            return False
        if len(self._well_formed) >= CHECKED_NAMES:
            self._well_formed.clear()
        self._well_formed.add(stream)
        return True

    def note(self, streams: Mapping[str, LiveStream], before: Mapping[str, LiveStream]) -> None:
        """Remember since when streams are over; call it with each new list and the one before."""
        for stream in {**before, **streams}:
            now = streams.get(stream)
            if now is not None and now.state == "live":
                self._over.pop(stream, None)
            elif stream not in self._over:
                self._over[stream] = self._clock()
        while len(self._over) > 10_000:
            self._over.pop(next(iter(self._over)))


def _pattern(text: str) -> str:
    return ".*" if text == "*" else text
