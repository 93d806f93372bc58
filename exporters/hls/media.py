"""Following one media playlist: fetched at its pace, read, compared with before, and shown in the tables."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exporters import metrics
from exporters.errors import SourceError, SourceFormatError
from exporters.hls import reading
from exporters.hls.exchange import Exchange
from exporters.hls.fetching import NO_HEADERS, Answer
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.progress import Progress, Step
from exporters.hls.tables import HlsTables
from exporters.hls.validators import cache_seconds, conditional_headers

STALE_TARGET_DURATIONS = 1.5


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time in Unix seconds and monotonic time."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


class MediaWatch:
    """The state of one rendition's playlist."""

    def __init__(self, name: str, url: str, exchange: Exchange, tables: HlsTables, clock: Clock) -> None:
        self.name = name
        self.url = url
        self.final_url = url
        """where redirects led: segment URIs are relative to it"""
        self.ok = False
        self.playlist: MediaPlaylist | None = None
        self.edge_latency: float | None = None
        self.changed_at = clock.monotonic()
        self._exchange = exchange
        self._tables = tables
        self._clock = clock
        self._labels = (exchange.target.stream, exchange.target.endpoint, name)
        self._progress = Progress()
        self._conditional: Mapping[str, str] = NO_HEADERS
        self._digest = b""
        self._cached_seconds = 0.0
        self._unchanged_at = self.changed_at
        self._first_latency: float | None = None

    async def poll(self) -> Step | None:
        """Fetch once; the step it made, or none when the playlist is as before.

        Raises SourceError when it cannot be fetched or read.
        """
        begun = self._clock.monotonic()
        try:
            answer = await self._exchange.get("media", self.url, self._conditional)
            step = self._take(answer)
        except SourceError as error:
            self.ok = False
            if isinstance(error, SourceFormatError):
                self._exchange.failed("media", "parse")
            raise
        self.ok = True
        if step is None or not step.grew:
            self._unchanged_at = begun
        return step

    def _take(self, answer: Answer) -> Step | None:
        self.final_url = answer.url
        if answer.status == 304:
            return None
        digest = hashlib.blake2b(answer.body, digest_size=16).digest()
        if digest == self._digest:
            self._conditional = conditional_headers(answer.headers)
            return None
        playlist = reading.read_playlist(answer.body, answer.url)
        if not isinstance(playlist, MediaPlaylist):
            raise SourceFormatError("a multivariant playlist where a media playlist should be", "mixed_kind")
        self._digest = digest
        self._conditional = conditional_headers(answer.headers)
        self._cached_seconds = cache_seconds(answer.headers)
        step = self._progress.step(playlist)
        self.playlist = step.playlist
        self._show(step)
        return step

    def stale(self) -> bool:
        """Whether nothing new came for 1.5 target durations, as far as fetches can tell (rfc8216bis §6.2.1)."""
        playlist = self.playlist
        if playlist is None or playlist.ended:
            return False
        limit = STALE_TARGET_DURATIONS * playlist.target_duration + self._cached_seconds
        # While fetches fail nothing is known of the last interval, so it is granted before the verdict.
        unseen = self._clock.monotonic() - self.changed_at - playlist.target_duration
        return self._unchanged_at - self.changed_at > limit or unseen > limit

    def _show(self, step: Step) -> None:
        playlist, labels = step.playlist, self._labels
        if step.grew:
            self.changed_at = self._clock.monotonic()
            self._tables[metrics.HLS_PLAYLIST_LAST_CHANGE].set(self._clock.wall(), *labels)
        self._tables[metrics.HLS_MEDIA_SEQUENCE].set(playlist.media_sequence, *labels)
        self._tables[metrics.HLS_DISCONTINUITY_SEQUENCE].set(playlist.discontinuity_sequence, *labels)
        self._tables[metrics.HLS_WINDOW_SEGMENTS].set(len(playlist.segments), *labels)
        self._tables[metrics.HLS_WINDOW_SECONDS].set(round(playlist.seconds, 6), *labels)
        self._tables[metrics.HLS_TARGET_DURATION].set(playlist.target_duration, *labels[:2])
        if playlist.part_target is not None:
            self._tables[metrics.HLS_PART_TARGET].set(playlist.part_target, *labels[:2])
        self._show_edge(playlist)
        self._count(step)

    def _show_edge(self, playlist: MediaPlaylist) -> None:
        edge = playlist.edge_time
        if edge is None:
            self.edge_latency = None
            self._tables[metrics.HLS_LIVE_EDGE_LATENCY].remove(*self._labels)
            return
        self.edge_latency = self._clock.wall() - edge
        self._tables[metrics.HLS_LIVE_EDGE_LATENCY].set(round(self.edge_latency, 6), *self._labels)
        if self._first_latency is None:
            self._first_latency = self.edge_latency
        drift = round(self.edge_latency - self._first_latency, 6)
        self._tables[metrics.HLS_PDT_DRIFT].set(drift, *self._labels[:2])

    def _count(self, step: Step) -> None:
        labels, new = self._labels, step.segments
        self._tables[metrics.HLS_SEGMENTS].add(len(new), *labels)
        self._tables[metrics.HLS_MEDIA_SECONDS].add(sum(one.duration for one in new), *labels)
        for one in new:
            self._tables.histogram(metrics.HLS_SEGMENT_DURATION).observe(one.duration, labels[1])
        pairs = (
            (metrics.HLS_DISCONTINUITIES, sum(one.discontinuity for one in new)),
            (metrics.HLS_GAPS, sum(one.gap for one in new)),
            (metrics.HLS_SEQUENCE_RESETS, int(step.restarted)),
        )
        for family, number in pairs:
            self._tables[family].add(number, *labels[:2])
