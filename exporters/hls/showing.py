"""What one rendition's playlist shows in the tables, step by step."""

from __future__ import annotations

from exporters import metrics
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.progress import Step
from exporters.hls.tables import HlsTables


class RenditionTables:
    """Writes the series of one stream, endpoint and variant."""

    def __init__(self, tables: HlsTables, stream: str, endpoint: str, variant: str) -> None:
        self._tables = tables
        self._labels = (stream, endpoint, variant)
        self._first_latency: float | None = None
        tables.name_variant(stream, endpoint, variant)
        for family in (metrics.HLS_DISCONTINUITIES, metrics.HLS_GAPS, metrics.HLS_SEQUENCE_RESETS):
            tables[family].add(0, stream, endpoint)

    def show(self, step: Step, wall: float) -> float | None:
        """Show a step made at ``wall`` (Unix seconds); gives the live-edge latency in seconds where dates tell it."""
        playlist, labels = step.playlist, self._labels
        if step.grew:
            self._tables[metrics.HLS_PLAYLIST_LAST_CHANGE].set(wall, *labels)
        self._tables[metrics.HLS_MEDIA_SEQUENCE].set(playlist.media_sequence, *labels)
        self._tables[metrics.HLS_DISCONTINUITY_SEQUENCE].set(playlist.discontinuity_sequence, *labels)
        self._tables[metrics.HLS_WINDOW_SEGMENTS].set(len(playlist.segments), *labels)
        self._tables[metrics.HLS_WINDOW_SECONDS].set(round(playlist.seconds, 6), *labels)
        self._tables[metrics.HLS_TARGET_DURATION].set(playlist.target_duration, *labels[:2])
        if playlist.part_target is not None:
            self._tables[metrics.HLS_PART_TARGET].set(playlist.part_target, *labels[:2])
        self._count(step)
        return self._edge(playlist, wall)

    def stale(self, stale: bool) -> None:
        self._tables[metrics.HLS_PLAYLIST_STALE].set(int(stale), *self._labels)

    def _edge(self, playlist: MediaPlaylist, wall: float) -> float | None:
        edge = playlist.edge_time
        if edge is None:
            self._tables[metrics.HLS_LIVE_EDGE_LATENCY].remove(*self._labels)
            return None
        latency = wall - edge
        self._tables[metrics.HLS_LIVE_EDGE_LATENCY].set(round(latency, 6), *self._labels)
        if self._first_latency is None:
            self._first_latency = latency
        self._tables[metrics.HLS_PDT_DRIFT].set(round(latency - self._first_latency, 6), *self._labels[:2])
        return latency

    def _count(self, step: Step) -> None:
        labels, new = self._labels, step.segments
        self._tables[metrics.HLS_SEGMENTS].add(len(new), *labels)
        self._tables[metrics.HLS_MEDIA_SECONDS].add(sum([one.duration for one in new]), *labels)
        durations = self._tables.histogram(metrics.HLS_SEGMENT_DURATION).cell(labels[1])
        for one in new:
            durations.observe(one.duration)
            self._tables[metrics.HLS_DISCONTINUITIES].add(int(one.discontinuity), *labels[:2])
            self._tables[metrics.HLS_GAPS].add(int(one.gap), *labels[:2])
        if step.restarted:
            self._tables[metrics.HLS_SEQUENCE_RESETS].add(1, *labels[:2])
        if step.parts:
            self._tables[metrics.HLS_PARTS].add(len(step.parts), *labels[:2])
