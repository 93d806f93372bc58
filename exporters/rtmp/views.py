"""What is shown of a stream: its renditions folded into one row of numbers."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from exporters.rtmp.broadcast import Broadcast
from exporters.rtmp.clock import Instant
from exporters.rtmp.model import ROLES, Audio, Publisher, StreamReading, Video
from exporters.rtmp.publish import Publish

FRESH_SECONDS = 10.0
"""What a process that polls no longer reach told is shown for so long (nginx drains old workers after a reload)."""
NO_VIDEO = Video()
NO_AUDIO = Audio()


@dataclass(frozen=True, slots=True)
class StreamView:
    """One stream as it is shown; None and empty mappings are not shown at all.

    Several renditions: sums of counts and rates, the largest picture, the worst synchronisation, drift and freeze.
    """

    app: str
    stream: str
    up: int
    start: float | None
    first_start: float | None
    publishing_seconds: float
    reconnects: int
    receive_bytes: int
    transmit_bytes: int
    frames: int | None
    error_frames: int | None
    dropped: Mapping[str, int]
    clients: Mapping[str, int]
    receive_rates: Mapping[str, float]
    publisher: Publisher | None = None
    video: Video = NO_VIDEO
    audio: Audio = NO_AUDIO
    avsync_seconds: float | None = None
    drift_seconds: float | None = None
    last_data: float | None = None
    rtt_seconds: float | None = None
    loss_ratio: float | None = None


def view(broadcast: Broadcast, at: Instant, lost: Container[str]) -> StreamView | None:
    """The row of a stream, or None while all that is known of it comes from a server that does not answer."""
    publishes = list(broadcast.publishes.values())
    shown = [one for one in publishes if one.reading is None or one.target not in lost]
    if publishes and not shown:
        return None
    fresh = [one for one in shown if one.read is not None and at.since(one.read) <= FRESH_SECONDS]
    readings = [one.reading for one in fresh if one.reading is not None]
    publishers = [one.publisher for one in readings if one.publisher is not None]
    main = max(readings, key=_picture, default=None)
    starts = [one.start.wall for one in shown]
    return StreamView(
        app=broadcast.app,
        stream=broadcast.stream,
        up=1 if shown else 0,
        start=round(min(starts), 3) if starts else None,
        first_start=round(broadcast.first_start.wall, 3) if broadcast.first_start else None,
        publishing_seconds=round(broadcast.publishing_seconds(at), 3),
        reconnects=broadcast.reconnects,
        receive_bytes=broadcast.receive_bytes,
        transmit_bytes=broadcast.transmit_bytes,
        frames=broadcast.frames,
        error_frames=broadcast.error_frames,
        dropped={str(role): count for role, count in broadcast.dropped.items()},
        clients=_clients(shown, readings),
        receive_rates=_rates(broadcast, readings),
        publisher=main.publisher if main else None,
        video=main.video if main else NO_VIDEO,
        audio=main.audio if main else NO_AUDIO,
        avsync_seconds=_worst([one.avsync_seconds for one in publishers]),
        drift_seconds=_worst([one.drift_seconds for one in fresh]),
        last_data=min((one.last_data.wall for one in fresh if one.last_data), default=None),
        rtt_seconds=max((one.rtt_seconds for one in publishers if one.rtt_seconds is not None), default=None),
        loss_ratio=max((one.loss_ratio for one in publishers if one.loss_ratio is not None), default=None),
    )


def _picture(reading: StreamReading) -> tuple[int, int]:
    return (reading.video.height or 0, reading.receive_bytes or 0)


def _worst(values: list[float | None]) -> float | None:
    """The value furthest from 0."""
    return max((value for value in values if value is not None), key=abs, default=None)


def _clients(shown: list[Publish], readings: list[StreamReading]) -> dict[str, int]:
    """Clients by role; a publisher that only a hook has told of counts as well."""
    roles = {str(role): sum(reading.clients.get(role, 0) for reading in readings) for role in ROLES}
    roles["publisher"] += len(shown) - len(readings)
    return roles


def _rates(broadcast: Broadcast, readings: list[StreamReading]) -> dict[str, float]:
    """Receive rates by media, summed; 0 once nobody publishes."""
    known = [reading.receive_rates for reading in readings] or [dict.fromkeys(broadcast.rate_kinds, 0.0)]
    rates: dict[str, float] = {}
    for one in known:
        for media, rate in one.items():
            rates[media] = rates.get(media, 0.0) + rate
    return rates
