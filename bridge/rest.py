"""The live group of the REST API: the present numbers of streams, from the snapshot alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response

from bridge import contract, numbers, stream_metrics
from bridge.answers import answer, answer_encoded, with_member
from bridge.auth import current_identity
from bridge.database import DatabaseUnavailableError
from bridge.encoded import EncodedAnswers
from bridge.history.window import Window
from bridge.openapi import describe
from bridge.problems import unavailable
from bridge.services import Services
from bridge.snapshot import HOPS, Snapshot, StreamState


def routes(services: Services) -> Blueprint:
    """The views, with paths relative to a mount."""
    area = Blueprint("live", __name__)
    cache = EncodedAnswers()

    def live_answer(kind: str, stream_id: str, make: Callable[[Snapshot, StreamState], Any]) -> Response:
        services.access.check(current_identity(), stream_id)
        snapshot = services.snapshots.latest()
        state = snapshot.streams.get(stream_id)
        if state is None:
            services.check_stream(current_identity(), stream_id)
            state = StreamState(stream_id, missing=tuple(HOPS))  # known, but not on air
        body = cache.get(snapshot, (kind, stream_id), lambda: make(snapshot, state))
        return answer_encoded(with_member(body, "meta", services.snapshots.meta(snapshot, state.missing)))

    @area.get("/analytics/real-time/<stream_id>")
    @describe("A stream now, with its recent course", contract.RealTimeAnalytics)
    def real_time(stream_id: str) -> Response:
        def make(snapshot: Snapshot, state: StreamState) -> Any:
            return numbers.real_time(state, services.timeline.course(stream_id, snapshot.taken), snapshot.taken)

        return live_answer("real-time", stream_id, make)

    @area.get("/analytics/streams/<stream_id>")
    @describe("The numbers of a stream now", contract.EventMetrics)
    def event_metrics(stream_id: str) -> Response:
        return live_answer("event", stream_id, lambda snapshot, state: numbers.event_metrics(state))

    @area.get("/analytics/streams/<stream_id>/metrics")
    @describe("A stream over its whole time", contract.StreamingMetrics)
    def streaming_metrics(stream_id: str) -> Response:
        past = _past_metrics(services, stream_id)
        if past is not None:
            return past

        def make(snapshot: Snapshot, state: StreamState) -> Any:
            return stream_metrics.streaming_metrics(state, snapshot.taken, services.title_of(stream_id))

        return live_answer("metrics", stream_id, make)

    return area


def _past_metrics(services: Services, stream_id: str) -> Response | None:
    """A stream that has left the snapshot, as history remembers its last time on air; None where it does not."""
    snapshot = services.snapshots.present
    if services.history is None or snapshot is None or stream_id in snapshot.streams:
        return None
    services.access.check(current_identity(), stream_id)
    try:
        aired = services.history.last_aired(stream_id) if services.history.is_known(stream_id) else None
        if aired is None:
            return None
        first, last = aired
        return answer(services.history.streaming_metrics(stream_id, Window.of(first, last, ZoneInfo("UTC"))))
    except DatabaseUnavailableError as error:
        raise unavailable("the stream is not on air, and the database that remembers it does not answer") from error
