"""Sampled downloads of segments: are they there, how fast do they come, how large are they against BANDWIDTH."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from urllib.parse import urljoin

from exporters import metrics
from exporters.errors import SourceUnreachableError
from exporters.hls.exchange import Exchange, StatusError
from exporters.hls.fetching import Answer
from exporters.hls.findings import Finding
from exporters.hls.playlist import MediaPlaylist, Segment
from exporters.hls.tables import HlsTables

WINDOW_TARGET_DURATIONS = (0.5, 1.5)
"""lengths over which rfc8216bis §4.1 measures the peak bit rate"""
KEPT_SAMPLES = 10
BANDWIDTH_TOLERANCE = 1.1
"""live BANDWIDTH is an estimate; Apple's authoring rules grant it 10 %"""
SLOW_RATIO = 0.8
PRODUCTION_PAUSE_RATIO = 0.2
"""a pause of this share of the duration within the body shows a segment that is still being made"""
GONE = frozenset({404, 410})


def is_slow_start(answer: Answer, duration: float) -> bool:
    """Whether the transfer kept the pace of production: long, with pauses that a network does not make."""
    paused = answer.longest_pause_seconds > PRODUCTION_PAUSE_RATIO * duration
    return paused and answer.body_seconds > duration / 2


class SegmentSampler:
    """Samples the segments of one rendition."""

    def __init__(self, variant: str, exchange: Exchange, tables: HlsTables) -> None:
        self.variant = variant
        self.declared_bits_per_second: int | None = None
        self._exchange = exchange
        self._tables = tables
        self._labels = (exchange.target.stream, exchange.target.endpoint, variant)
        self._rates: deque[float] = deque(maxlen=KEPT_SAMPLES)

    async def sample(self, playlist: MediaPlaylist, url: str) -> list[Finding] | None:
        """Download the newest segment that is no gap; its findings, or none when there is nothing to sample."""
        segments = [one for one in playlist.segments if not one.gap and not one.byterange and one.duration > 0]
        if not segments:
            return None
        one = segments[-1]
        try:
            answer = await self._exchange.get(
                "segment", urljoin(url, one.uri), timeout_seconds=max(self._exchange.timeout_seconds, 2 * one.duration)
            )
        except StatusError as error:
            return [Finding("segment_unavailable", str(one.msn), str(error))]
        except SourceUnreachableError as error:
            # Not an answer of the server: counted as a failed fetch, and slow when the time ran out.
            slow = error.reason in ("timeout", "truncated")
            return [Finding("download_ratio_high", str(one.msn), str(error))] if slow else []
        return list(self._judge(one, playlist, answer))

    def _judge(self, one: Segment, playlist: MediaPlaylist, answer: Answer) -> Iterator[Finding]:
        self._tables[metrics.HLS_SEGMENT_BYTES].add(answer.size, *self._labels)
        ratio = answer.seconds / one.duration
        self._tables.histogram(metrics.HLS_DOWNLOAD_RATIO).observe(ratio, self._labels[1])
        if is_slow_start(answer, one.duration):
            yield Finding("segment_slow_start", str(one.msn), f"segment {one.msn} came at the pace of its production")
        elif ratio > SLOW_RATIO:
            yield Finding("download_ratio_high", str(one.msn), f"segment {one.msn} took {ratio:.2f} of its duration")
        low, high = (share * playlist.target_duration for share in WINDOW_TARGET_DURATIONS)
        if low <= one.duration <= high:
            self._rates.append(answer.size / one.duration)
            self._tables[metrics.HLS_MEASURED_RATE].set(round(max(self._rates), 3), *self._labels)
        declared = self.declared_bits_per_second
        if declared and self._rates and 8 * max(self._rates) > BANDWIDTH_TOLERANCE * declared:
            message = f"measured peak {8 * max(self._rates):.0f} bit/s, BANDWIDTH {declared}"
            yield Finding("bandwidth_exceeded", "", message)


class RemovedSegments:
    """Remembers what left a playlist, and for how long it must still be there (rfc8216bis §6.2.2).

    That is a segment's own duration and the longest playlist it was listed in.
    """

    def __init__(self, limit: int = 20) -> None:
        self._removed: deque[tuple[Segment, str, float]] = deque(maxlen=limit)

    def take(self, before: MediaPlaylist, after: MediaPlaylist, url: str, now: float) -> None:
        for one in before.segments:
            if one.msn < after.media_sequence and not one.gap:
                self._removed.append((one, urljoin(url, one.uri), now + one.duration + before.seconds))

    def due(self, now: float, margin_seconds: float) -> tuple[Segment, str] | None:
        """The one removed longest ago that must still be there, with a margin for the way."""
        while self._removed and self._removed[0][2] - margin_seconds <= now:
            self._removed.popleft()
        return self._removed[0][:2] if self._removed else None

    def clear(self) -> None:
        self._removed.clear()


async def check_removed(
    exchange: Exchange, removed: RemovedSegments, now: float, margin_seconds: float
) -> list[Finding]:
    """Ask for one byte of a segment that was removed and must still be there."""
    due = removed.due(now, margin_seconds)
    if due is None:
        return []
    one, url = due
    try:
        await exchange.get("segment", url, {"Range": "bytes=0-0"})
    except StatusError as error:
        if error.status in GONE:
            return [Finding("segment_removed_early", "", f"segment {one.msn} is gone too early: {error}")]
    except SourceUnreachableError:
        return []  # counted as a failed fetch; says nothing of the segment
    return []
