"""What the console page shows: each live stream's hops, quality of experience and audience, from one snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.snapshot import StreamState
from prometheus import objectives, queries

GOOD, WARNING, BAD, MISSING = "ok", "warn", "bad", "missing"


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of a stream's path: its state, what it does now, and a detail."""

    name: str
    state: str
    summary: str
    detail: str

    def body(self) -> dict[str, str]:
        return {"name": self.name, "state": self.state, "summary": self.summary, "detail": self.detail}


def hops(state: StreamState) -> list[Hop]:
    """The four hops in path order; a hop that says nothing is missing, never assumed good."""
    return [_ingest(state), _packager(state), _edge(state), _viewers(state)]


def quality_of_experience(state: StreamState) -> dict[str, float | None]:
    """Seconds and percent as people read them; None where no source reports."""
    return {
        "startupSeconds": _rounded(state.value(queries.STARTUP_P50)),
        "rebufferPercent": _rounded(state.value(queries.STALL_RATIO), 100),
        "liveLatencySeconds": _rounded(state.value(queries.LIVE_LATENCY_P50)),
        "errorRatePercent": _rounded(state.value(queries.EDGE_ERROR_RATIO), 100),
        "uptimePercent": _rounded(state.value(queries.STREAM_AVAILABLE), 100),
        "timeToFirstByteMs": _rounded(state.value(queries.EDGE_TTFB), 1000),
    }


def stream(state: StreamState, numbers: Mapping[str, Any], title: str) -> dict[str, Any]:
    """One stream of the page; ``numbers`` are the stream's RealTimeAnalytics of the same snapshot."""
    return {
        "id": state.stream,
        "title": title,
        "currentViewers": numbers["currentViewers"],
        "peakViewers": numbers["peakViewers"],
        "totalViews": numbers["totalViews"],
        "ingestBitsPerSecond": _rounded(state.value(queries.STREAM_INGEST_RATE), 8),
        "edgeBitsPerSecond": _rounded(state.value(queries.EDGE_BYTES), 8),
        "hops": [hop.body() for hop in hops(state)],
        "qoe": quality_of_experience(state),
        "devices": numbers["deviceDistribution"],
        "countries": numbers["geographicDistribution"],
        "renditions": numbers["qualityDistribution"],
        "viewersOverTime": numbers["viewersOverTime"],
    }


def _ingest(state: StreamState) -> Hop:
    up, rate = state.value(queries.STREAM_UP), state.value(queries.STREAM_INGEST_RATE)
    if up is None or "rtmp" in state.missing:
        return Hop("Ingest", MISSING, "no data", "the RTMP exporter says nothing")
    if not up:
        return Hop("Ingest", BAD, "not publishing", "the encoder is gone")
    height, frames = state.value(queries.STREAM_HEIGHT), state.value(queries.STREAM_FRAME_RATE)
    picture = f"{height:.0f}p" if height else ""
    detail = " ".join(filter(None, [picture, f"{frames:g} fps" if frames else ""]))
    return Hop("Ingest", GOOD if rate else WARNING, _bits(rate) if rate else "no bytes arrive", detail)


def _packager(state: StreamState) -> Hop:
    age, stale = state.value(queries.PLAYLIST_AGE), state.value(queries.PLAYLIST_STALE)
    if age is None or "hls" in state.missing:
        return Hop("Packager", MISSING, "no data", "no playlist has been read")
    edge = state.value(queries.LIVE_EDGE_LATENCY)
    detail = "" if edge is None else f"live edge {edge:.1f} s"
    if stale:
        return Hop("Packager", BAD, f"stale for {age:.0f} s", detail)
    return Hop("Packager", GOOD, f"playlist {age:.1f} s old", detail)


def _edge(state: StreamState) -> Hop:
    rate = state.value(queries.EDGE_BYTES)
    if rate is None or "cdn" in state.missing:
        return Hop("Edge", MISSING, "no data", "no access log has been read")
    errors = state.value(queries.EDGE_ERROR_RATIO)
    detail = "no requests" if errors is None else f"{errors * 100:.2f} % failed"
    return Hop("Edge", _judge(errors, objectives.EDGE_ERROR_RATIO), _bits(rate), detail)


def _viewers(state: StreamState) -> Hop:
    viewers = state.value(queries.VIEWERS)
    if viewers is None or "viewers" in state.missing:
        return Hop("Viewers", MISSING, "no data", "no player has reported")
    stalled = state.value(queries.STALL_RATIO)
    detail = "nobody has watched yet" if stalled is None else f"{stalled * 100:.2f} % of time stalled"
    people = "1 viewer" if viewers == 1 else f"{viewers:.0f} viewers"
    return Hop("Viewers", _judge(stalled, objectives.STALL_RATIO), people, detail)


def _judge(value: float | None, thresholds: tuple[float, float]) -> str:
    """Good, warning or bad against (warning, critical); nothing measured is nothing wrong."""
    warning, critical = thresholds
    if value is None or value < warning:
        return GOOD
    return BAD if value >= critical else WARNING


def _rounded(value: float | None, factor: float = 1) -> float | None:
    return None if value is None else round(value * factor, 2)


def _bits(bytes_per_second: float) -> str:
    value, units = bytes_per_second * 8, ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 10 else f"{value:.0f} {units[0]}"
