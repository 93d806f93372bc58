"""What our own processes ask the registry: whether a key may publish, and which streams are live."""

from __future__ import annotations

from flask import Blueprint, Response

from bridge import problems
from bridge.answers import JSON_TYPE, answer, json_body
from bridge.auth import open_route
from bridge.services import Services
from exporters.discovery import LiveStream, write_streams
from prometheus import queries

KEY_LENGTH = 512


def add_routes(blueprint: Blueprint, services: Services) -> None:
    """Add ``/internal/publish`` and ``/internal/streams`` to the blueprint."""

    @open_route
    def publish() -> Response:
        """``{"key": …}`` → ``{"stream": id}``, or 404 for a key that may not publish."""
        services.auth.check_internal()
        body = json_body()
        key = body.get("key") if isinstance(body, dict) else None
        if not isinstance(key, str) or not 0 < len(key) <= KEY_LENGTH:
            raise problems.invalid([("key", "must be a stream key")])
        stream_id = services.registry.publish(key)
        if stream_id is None:
            raise problems.Problem(404, "no stream may be published with this key")
        return answer({"stream": stream_id})

    @open_route
    def streams() -> Response:
        """The streams that the metrics know of, as exporters' directories read them."""
        services.auth.check_internal()
        snapshot = services.snapshots.latest()
        found = [
            LiveStream(
                stream=state.stream,
                app="",
                state="live" if state.publishing else "ended",
                started=state.value(queries.STREAM_START) or snapshot.taken,
            )
            for state in snapshot.streams.values()
            if state.value(queries.STREAM_UP) is not None
        ]
        return Response(write_streams(found), content_type=JSON_TYPE)

    blueprint.add_url_rule("/internal/publish", "internal_publish", publish, methods=["POST"])
    blueprint.add_url_rule("/internal/streams", "internal_streams", streams, methods=["GET"])
