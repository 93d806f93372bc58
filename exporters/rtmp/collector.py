"""Streams as metric families.

``livestream_rtmp_stream_up{app="live",stream="demo"} 1``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from exporters import metrics
from exporters.exposition import Labels, Samples, Table
from exporters.metrics import Family
from exporters.rtmp.book import StreamBook
from exporters.rtmp.clock import Clock, now
from exporters.rtmp.tallies import Tallies
from exporters.rtmp.views import StreamView, view

ONE_A_STREAM: Sequence[tuple[Family, Callable[[StreamView], float | None]]] = (
    (metrics.RTMP_STREAM_UP, lambda one: one.up),
    (metrics.RTMP_STREAM_START, lambda one: one.start),
    (metrics.RTMP_STREAM_FIRST_START, lambda one: one.first_start),
    (metrics.RTMP_STREAM_PUBLISHING_SECONDS, lambda one: one.publishing_seconds),
    (metrics.RTMP_STREAM_WIDTH, lambda one: one.video.width),
    (metrics.RTMP_STREAM_HEIGHT, lambda one: one.video.height),
    (metrics.RTMP_STREAM_FRAME_RATE, lambda one: one.video.frame_rate),
    (metrics.RTMP_STREAM_KEYFRAME_INTERVAL, lambda one: one.video.keyframe_seconds),
    (metrics.RTMP_STREAM_SAMPLE_RATE, lambda one: one.audio.sample_rate),
    (metrics.RTMP_STREAM_CHANNELS, lambda one: one.audio.channels),
    (metrics.RTMP_STREAM_RECEIVE_BYTES, lambda one: one.receive_bytes),
    (metrics.RTMP_STREAM_TRANSMIT_BYTES, lambda one: one.transmit_bytes),
    (metrics.RTMP_STREAM_FRAMES, lambda one: one.frames),
    (metrics.RTMP_STREAM_ERROR_FRAMES, lambda one: one.error_frames),
    (metrics.RTMP_STREAM_AVSYNC, lambda one: one.avsync_seconds),
    (metrics.RTMP_STREAM_DRIFT, lambda one: one.drift_seconds),
    (metrics.RTMP_STREAM_LAST_DATA, lambda one: one.last_data),
    (metrics.RTMP_RECONNECTS, lambda one: one.reconnects),
)
ONE_A_KIND: Sequence[tuple[Family, Callable[[StreamView], Mapping[str, float]]]] = (
    (metrics.RTMP_STREAM_CLIENTS, lambda one: one.clients),
    (metrics.RTMP_STREAM_RECEIVE_RATE, lambda one: one.receive_rates),
    (metrics.RTMP_STREAM_DROPPED_FRAMES, lambda one: one.dropped),
)
OF_TRANSPORT: Sequence[tuple[Family, Callable[[StreamView], float | None]]] = (
    (metrics.RTMP_TRANSPORT_RTT, lambda one: one.rtt_seconds),
    (metrics.RTMP_TRANSPORT_LOSS, lambda one: one.loss_ratio),
)


class StreamCollector:
    """Shows the streams of a book; a series goes when its value does, and label blocks are rendered once."""

    name = "streams"

    def __init__(self, book: StreamBook, tallies: Tallies, clock: Clock = now) -> None:
        self._book = book
        self._tallies = tallies
        self._clock = clock
        self._single = [(Samples(family), value) for family, value in ONE_A_STREAM]
        self._kinds = [(Samples(family), values) for family, values in ONE_A_KIND]
        self._transport = [(Samples(family), value) for family, value in OF_TRANSPORT]
        self._info = Samples(metrics.RTMP_STREAM_INFO)

    def collect(self) -> Iterable[Table]:
        at = self._clock()
        views = self._book.rows(lambda broadcast: view(broadcast, at, self._book.lost))
        for samples, value in self._single:
            samples.replace(_single(views, value))
        for samples, values in self._kinds:
            samples.replace(_by_kind(views, values))
        for samples, value in self._transport:
            samples.replace(_by_protocol(views, value))
        self._info.replace(_info(views))
        shown = [samples for samples, _ in (*self._single, *self._kinds, *self._transport)]
        return (*shown, self._info, *self._tallies.tables())


def _single(views: Sequence[StreamView], value: Callable[[StreamView], float | None]) -> Iterator[tuple[Labels, float]]:
    for one in views:
        found = value(one)
        if found is not None:
            yield (one.app, one.stream), found


def _by_kind(
    views: Sequence[StreamView], values: Callable[[StreamView], Mapping[str, float]]
) -> Iterator[tuple[Labels, float]]:
    for one in views:
        for kind, found in values(one).items():
            yield (one.app, one.stream, kind), found


def _by_protocol(
    views: Sequence[StreamView], value: Callable[[StreamView], float | None]
) -> Iterator[tuple[Labels, float]]:
    for one in views:
        found = value(one)
        if found is not None and one.publisher is not None:
            yield (one.app, one.stream, one.publisher.protocol), found


def _info(views: Sequence[StreamView]) -> Iterator[tuple[Labels, float]]:
    for one in views:
        if one.publisher is not None:
            codecs = (one.video.codec, one.video.profile, one.audio.codec)
            yield (one.app, one.stream, one.publisher.protocol, *codecs, one.publisher.encoder), 1
