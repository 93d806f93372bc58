"""A live stream over its whole time, as far as the live path knows it (StreamingMetrics)."""

from __future__ import annotations

from typing import Literal

from bridge import contract, numbers
from bridge.contract import finite
from bridge.snapshot import StreamState
from prometheus import queries

STARTING_SECONDS = 30.0
Status = Literal["live", "ended", "starting", "error"]


def status(state: StreamState, now: float) -> Status:
    """Whether the stream is on air: starting until its first playlist, error while its playlist is stale."""
    if not state.publishing:
        return "ended"
    if "hls" in state.missing:
        started = state.value(queries.STREAM_START)
        return "starting" if started is not None and now - started < STARTING_SECONDS else "live"
    return "error" if state.value(queries.PLAYLIST_STALE) == 1 else "live"


def streaming_metrics(state: StreamState, now: float, title: str) -> contract.StreamingMetrics:
    """The stream since it began; what only history knows (browsers, returning viewers) is empty here."""
    live = numbers.stream_numbers(state)
    started = state.value(queries.STREAM_FIRST_START)
    bitrate = state.value(queries.AVERAGE_BITRATE)
    return {
        "streamId": state.stream,
        "eventId": state.stream,
        "title": title,
        "status": status(state, now),
        "startTime": contract.instant(now if started is None else started),
        "duration": finite(0 if started is None else max(0.0, now - started)),
        "totalViewers": live["totalViews"],
        "peakViewers": live["peakViewers"],
        "averageViewTime": live["avgViewDuration"],
        "uniqueViewers": numbers.count(state.value(queries.UNIQUE_VIEWERS)),
        "returningViewers": 0,
        "viewersByRegion": {},
        "viewersByCountry": {name: float(viewers) for name, viewers in numbers.countries(state).items()},
        "averageBitrate": numbers.kilobits(state.value(queries.STREAM_INGEST_RATE) if bitrate is None else bitrate),
        "qualityDistribution": _shares(numbers.split_counts(state, queries.VIEWERS_BY_VARIANT)),
        "bufferingEvents": numbers.count(state.value(queries.REBUFFERS)),
        "averageLatency": live["latency"],
        "chatMessages": live["chatMessages"],
        "chatParticipants": numbers.count(state.value(queries.CHAT_PARTICIPANTS)),
        "peakConcurrentChat": 0,
        "averageEngagementRate": numbers.percent(state.value(queries.ENGAGED_RATIO)),
        "deviceTypes": _shares(numbers.split_counts(state, queries.VIEWERS_BY_DEVICE, numbers.DEVICES)),
        "browsers": {},
        "operatingSystems": {},
    }


def _shares(counts: dict[str, int]) -> dict[str, float]:
    return {name: float(value) for name, value in counts.items()}
