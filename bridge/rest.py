"""The live group of the REST API: the present numbers of streams, from the snapshot alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from flask import Blueprint

from bridge import contract, numbers, stream_metrics
from bridge.answers import with_member
from bridge.database import DatabaseUnavailableError
from bridge.encoded import EncodedAnswers
from bridge.history.window import Window
from bridge.identity import Identity
from bridge.openapi import describe
from bridge.problems import unavailable
from bridge.reads import read_view
from bridge.services import Services
from bridge.snapshot import HOPS, Snapshot, StreamState


def routes(services: Services) -> Blueprint:
    """The views, with paths relative to a mount."""
    area = Blueprint("live", __name__)
    cache = EncodedAnswers()

    def live(kind: str, identity: Identity, stream_id: str, make: Callable[[Snapshot, StreamState], Any]) -> bytes:
        services.access.check(identity, stream_id)
        snapshot = services.snapshots.latest()
        state = snapshot.streams.get(stream_id)
        if state is None:
            services.check_stream(identity, stream_id)
            state = StreamState(stream_id, missing=tuple(HOPS))  # known, but not on air
        body = cache.get(snapshot, (kind, stream_id), lambda: make(snapshot, state))
        return with_member(body, "meta", services.snapshots.meta(snapshot, state.missing))

    @area.get("/analytics/real-time/<stream_id>")
    @describe("A stream now, with its recent course", contract.RealTimeAnalytics)
    @read_view
    def real_time(identity: Identity, stream_id: str) -> bytes:
        def make(snapshot: Snapshot, state: StreamState) -> Any:
            return numbers.real_time(state, services.timeline.course(stream_id, snapshot.taken), snapshot.taken)

        return live("real-time", identity, stream_id, make)

    @area.get("/analytics/streams/<stream_id>")
    @describe("The numbers of a stream now", contract.EventMetrics)
    @read_view
    def event_metrics(identity: Identity, stream_id: str) -> bytes:
        return live("event", identity, stream_id, lambda snapshot, state: numbers.event_metrics(state))

    @area.get("/analytics/streams/<stream_id>/metrics")
    @describe("A stream over its whole time", contract.StreamingMetrics)
    @read_view
    def streaming_metrics(identity: Identity, stream_id: str) -> bytes:
        past = _past_metrics(services, identity, stream_id)
        if past is not None:
            return past

        def make(snapshot: Snapshot, state: StreamState) -> Any:
            return stream_metrics.streaming_metrics(state, snapshot.taken, services.title_of(stream_id))

        return live("metrics", identity, stream_id, make)

    return area


def _past_metrics(services: Services, identity: Identity, stream_id: str) -> bytes | None:
    """A stream that has left the snapshot, as history remembers its last time on air; None where it does not."""
    snapshot = services.snapshots.present
    if services.history is None or snapshot is None or stream_id in snapshot.streams:
        return None
    services.access.check(identity, stream_id)
    try:
        aired = services.history.last_aired(stream_id) if services.history.is_known(stream_id) else None
        if aired is None:
            return None
        first, last = aired
        return orjson.dumps(services.history.streaming_metrics(stream_id, Window.of(first, last, ZoneInfo("UTC"))))
    except DatabaseUnavailableError as error:
        raise unavailable("the stream is not on air, and the database that remembers it does not answer") from error
