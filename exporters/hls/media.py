"""One rendition's playlist as it was fetched last: read, compared with before, and judged fresh or stale."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporters.errors import SourceError, SourceFormatError
from exporters.hls import reading
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import NO_HEADERS, Answer
from exporters.hls.lowlatency import DeltaError, expand
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.progress import Progress, Step
from exporters.hls.validators import cache_seconds, conditional_headers

STALE_TARGET_DURATIONS = 1.5


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time in Unix seconds and monotonic time."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


@dataclass(frozen=True, slots=True)
class Poll:
    """What one fetch brought."""

    seconds: float
    """until the answer began"""
    step: Step | None = None
    """none when the playlist is as before"""
    answered: MediaPlaylist | None = None
    """as it was written, before a delta update was applied"""


class MediaWatch:
    """The state of one rendition's playlist."""

    def __init__(self, name: str, url: str, exchange: Exchange, clock: Clock) -> None:
        self.name = name
        self.url = url
        self.final_url = url
        """where redirects led: segment URIs are relative to it"""
        self.ok = False
        self.playlist: MediaPlaylist | None = None
        self.failures = 0
        """fetches that have failed in a row"""
        self.changed_at = clock.monotonic()
        self.polled_at = self.changed_at
        self._exchange = exchange
        self._clock = clock
        self._progress = Progress()
        self._conditional: Mapping[str, str] = NO_HEADERS
        self._digest = b""
        self._cached_seconds = 0.0
        self._unchanged_at = self.changed_at

    async def poll(self, url: str = "", timeout_seconds: float | None = None) -> Poll:
        """Fetch once, from ``url`` where it carries delivery directives.

        Raises SourceError when it cannot be fetched or read.
        """
        begun = self._clock.monotonic()
        headers = NO_HEADERS if url else self._conditional
        try:
            answer = await self._exchange.get("media", url or self.url, headers, timeout_seconds, held=bool(url))
            poll = self._take(answer)
        except SourceError as error:
            self.ok = False
            self.failures += 1
            if isinstance(error, SourceFormatError):
                self._exchange.failed("media", "parse")
            raise
        self.ok = True
        self.failures = 0
        self.polled_at = self._clock.monotonic()
        if poll.step is not None and poll.step.grew:
            self.changed_at = self.polled_at
        else:
            self._unchanged_at = begun
        return poll

    def _take(self, answer: Answer) -> Poll:
        self.final_url = answer.url
        if answer.status == 304:
            return Poll(answer.first_byte_seconds)
        digest = hashlib.blake2b(answer.body, digest_size=16).digest()
        self._conditional = conditional_headers(answer.headers)
        if digest == self._digest:
            return Poll(answer.first_byte_seconds, answered=self.playlist)
        answered = reading.read_playlist(answer.body, answer.url)
        if not isinstance(answered, MediaPlaylist):
            raise SourceFormatError("a multivariant playlist where a media playlist should be", "mixed_kind")
        step = self._progress.step(self._whole(answered))
        self._digest = digest
        self._cached_seconds = cache_seconds(answer.headers)
        self.playlist = step.playlist
        return Poll(answer.first_byte_seconds, step, answered)

    def _whole(self, answered: MediaPlaylist) -> MediaPlaylist:
        if answered.skipped is None:
            return answered
        if self.playlist is None:
            raise SourceFormatError("a delta update that was not asked for", "delta_update_wrong")
        try:
            return expand(self.playlist, answered)
        except DeltaError as error:
            raise SourceFormatError(f"delta update: {error}", "delta_update_wrong") from error

    def stale(self) -> bool:
        """Whether nothing new came for 1.5 target durations, as far as fetches can tell (rfc8216bis §6.2.1).

        A cache on the way may hold an answer for its time to live, which is granted on top.
        """
        playlist = self.playlist
        if playlist is None or playlist.ended:
            return False
        limit = STALE_TARGET_DURATIONS * playlist.target_duration + self._cached_seconds
        if self._unchanged_at - self.changed_at > limit:
            return True
        # While fetches fail nothing is known of the last interval, so it is granted before the verdict. That we are
        # late ourselves proves nothing.
        unseen = self._clock.monotonic() - self.changed_at - playlist.target_duration
        return self.failures > 0 and unseen > limit

    @property
    def edge_time(self) -> float | None:
        return self.playlist.edge_time if self.playlist else None
