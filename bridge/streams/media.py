"""The routes of a stream on air: health, viewers, start and stop, as the shipped client calls them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from flask import Blueprint, Response

from bridge import contract
from bridge.access import Access
from bridge.answers import answer
from bridge.identity import Identity
from bridge.numbers import count, kilobits, seconds
from bridge.openapi import describe
from bridge.reads import read_view
from bridge.services import Services
from bridge.snapshot import HOPS, Snapshot, StreamState
from bridge.streams.events import playback_url
from bridge.streams.record import StreamRecord
from prometheus import queries

TAG = "streaming"
LIVE: Mapping[str, Any] = {"tag": TAG, "errors": (404,)}


class Commands(Protocol):
    """Starts and stops streams for the caller."""

    def start_stream(self, stream_id: str) -> StreamRecord: ...

    def stop_stream(self, stream_id: str) -> StreamRecord: ...


def add_routes(blueprint: Blueprint, services: Services, commands: Commands) -> None:
    """Add ``/streaming/…`` to the blueprint."""
    views = MediaViews(services, commands)
    add = blueprint.add_url_rule
    health = describe("Whether a stream is on air, and how it arrives", contract.StreamingHealth, **LIVE)
    viewers = describe("Viewers of a stream", contract.StreamingViewers, **LIVE)
    add("/streaming/health/<stream_id>", "media_health", health(read_view(views.health)), methods=["GET"])
    add("/streaming/viewers/<stream_id>", "media_viewers", viewers(read_view(views.viewers)), methods=["GET"])
    add("/streaming/start/<stream_id>", "media_start", views.start, methods=["POST"])
    add("/streaming/stop/<stream_id>", "media_stop", views.stop, methods=["POST"])


class MediaViews:
    """What each route does."""

    def __init__(self, services: Services, commands: Commands) -> None:
        self._services = services
        self._commands = commands
        self._access: Access = services.access

    def health(self, identity: Identity, stream_id: str) -> bytes:
        state, snapshot = self._state(identity, stream_id)
        return self._encoded(streaming_health(state, snapshot.taken), state, snapshot)

    def viewers(self, identity: Identity, stream_id: str) -> bytes:
        state, snapshot = self._state(identity, stream_id)
        return self._encoded(streaming_viewers(state), state, snapshot)

    @describe("Start a stream", contract.StreamingStarted, tag=TAG, errors=(404, 409))
    def start(self, stream_id: str) -> Response:
        record = self._commands.start_stream(stream_id)
        config = self._services.config
        return answer(
            {
                "streamId": record.id,
                "status": record.status,
                "streamUrl": config.rtmp_url,
                "playbackUrl": playback_url(config, record.id),
            }
        )

    @describe("Stop a stream for good", contract.StreamingStopped, tag=TAG, errors=(404, 409))
    def stop(self, stream_id: str) -> Response:
        record = self._commands.stop_stream(stream_id)
        return answer(
            {
                "streamId": record.id,
                "status": record.status,
                "duration": duration_seconds(record),
                "viewerStats": {"peak": record.peak_viewers, "total": record.total_views},
            }
        )

    def _encoded(self, numbers: Mapping[str, Any], state: StreamState, snapshot: Snapshot) -> bytes:
        return orjson.dumps({**numbers, "meta": self._services.snapshots.meta(snapshot, state.missing)})

    def _state(self, identity: Identity, stream_id: str) -> tuple[StreamState, Snapshot]:
        """A stream in the snapshot; one that is registered only is not on air."""
        snapshot: Snapshot = self._services.snapshots.latest()
        state = snapshot.streams.get(stream_id)
        if state is None:
            self._services.registry.require(stream_id)
            state = StreamState(stream_id, missing=tuple(HOPS))
        self._access.check(identity, stream_id)
        return state, snapshot


def streaming_health(state: StreamState, now: float) -> contract.StreamingHealth:
    """Whether the stream is on air, and how it arrives."""
    if not state.publishing:
        return {
            "status": "offline",
            "viewers": count(state.value(queries.VIEWERS)),
            "bitrate": 0,
            "fps": 0,
            "uptime": 0,
        }
    start = state.value(queries.STREAM_START)
    return {
        "status": "online",
        "viewers": count(state.value(queries.VIEWERS)),
        "bitrate": kilobits(state.value(queries.STREAM_INGEST_RATE)),
        "fps": seconds(state.value(queries.STREAM_FRAME_RATE)),
        "uptime": seconds(None if start is None else now - start),
    }


def streaming_viewers(state: StreamState) -> contract.StreamingViewers:
    """Viewers now, at most and in all."""
    current = count(state.value(queries.VIEWERS))
    return {
        "current": current,
        "peak": max(current, count(state.value(queries.PEAK_VIEWERS))),
        "total": count(state.value(queries.PLAYS)),
    }


def duration_seconds(record: StreamRecord) -> int:
    """How long the stream was live."""
    if record.actual_start is None:
        return 0
    end = record.actual_end or datetime.now(UTC)
    return max(0, round((end - record.actual_start).total_seconds()))
