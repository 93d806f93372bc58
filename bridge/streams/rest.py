"""The routes of streams: plan, change, start, stop and delete them."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

import orjson
from flask import Blueprint, Response, request

from bridge import contract, problems
from bridge.access import Access
from bridge.answers import answer, json_body
from bridge.auth import current_identity
from bridge.identity import OPERATOR, Identity
from bridge.openapi import Parameter, describe
from bridge.parameters import whole_number
from bridge.problems import Problem
from bridge.services import Services
from bridge.streams import internal, media
from bridge.streams.events import may_see_key, playback_url, stream_event
from bridge.streams.fields import StreamChange, read_change, read_creation
from bridge.streams.record import Status, StreamRecord
from bridge.streams.registry import StreamRegistry
from bridge.streams.store import Wanted

STATUSES = ("scheduled", "live", "ended", "cancelled")
PAGE, PAGE_LIMIT = 100, 500
TAG = "streams"
WRITE = (404, 409, 413, 415, 422)
LIST_QUERY = (
    Parameter("status", str, "only streams in this state", schema={"enum": list(STATUSES)}),
    Parameter("limit", int, "streams a page", schema={"minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE}),
    Parameter("cursor", str, "where the next page begins, from the Link header of the page before"),
)


def routes(services: Services) -> Blueprint:
    """The blueprint of streams, of streaming commands, and of what our own processes ask."""
    blueprint = Blueprint("streams", __name__)
    views = StreamViews(services)
    add = blueprint.add_url_rule
    add("/streams", "list", views.list_page, methods=["GET"])
    add("/streams", "create", views.create, methods=["POST"])
    add("/streams/<stream_id>", "read", views.read, methods=["GET"])
    add("/streams/<stream_id>", "change", views.change, methods=["PATCH"])
    add("/streams/<stream_id>", "delete", views.delete, methods=["DELETE"])
    add("/streams/<stream_id>/start", "start", views.start, methods=["POST"])
    add("/streams/<stream_id>/stop", "stop", views.stop, methods=["POST"])
    add("/streams/<stream_id>/key", "key", views.rotate_key, methods=["POST"])
    media.add_routes(blueprint, services, views)
    internal.add_routes(blueprint, services)
    return blueprint


class StreamViews:
    """What each route does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._registry: StreamRegistry = services.registry
        self._access: Access = services.access

    @describe("Streams, newest first", list[contract.StreamEvent], tag=TAG, query=LIST_QUERY, errors=(400,))
    def list_page(self) -> Response:
        """A page of the streams that the caller may see, newest first, and a Link to the next."""
        identity = current_identity()
        limit = whole_number("limit", request.args.get("limit"), PAGE, PAGE_LIMIT)
        wanted = Wanted(
            limit=limit + 1,
            tenant_id=None if identity.is_admin or identity.anonymous else identity.tenant_id,
            status=_status(request.args.get("status")),
            public_only=identity.anonymous,
            after=_cursor(request.args.get("cursor")),
        )
        found = self._registry.page(wanted)
        headers = {}
        if len(found) > limit:
            last = found[limit - 1]
            query = {**request.args.to_dict(), "limit": str(limit), "cursor": _as_cursor(last)}
            headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
        return answer([self._event(one, identity) for one in found[:limit]], headers=headers)

    @describe("Plan a stream", contract.StreamEvent, status=201, tag=TAG, body=contract.StreamPlan, errors=WRITE)
    def create(self) -> Response:
        identity = _caller()
        change = read_creation(json_body())
        tenant_id = identity.tenant_id or self._services.config.default_tenant
        record = self._registry.create(change.fields, tenant_id, identity.subject)
        location = f"{request.path.rstrip('/')}/{record.id}"
        return answer(self._event(record, identity), 201, {"Location": location})

    @describe("A stream", contract.StreamEvent, tag=TAG, errors=(404,))
    def read(self, stream_id: str) -> Response:
        identity = current_identity()
        record = self._registry.require(stream_id)
        self._access.check(identity, stream_id)
        return answer(self._event(record, identity))

    @describe("Change a stream", contract.StreamEvent, tag=TAG, body=contract.StreamRequest, errors=WRITE)
    def change(self, stream_id: str) -> Response:
        record, identity = self._commanded(stream_id), _caller()
        change = read_change(json_body())
        if change.status not in (None, record.status):
            record = self._registry.move(stream_id, "cancel", {}) if change.status == "cancelled" else _use(change)
        if change.fields:
            record = self._registry.change(stream_id, change.fields)
        return answer(self._event(record, identity))

    @describe("Delete a stream that is not live", None, status=204, tag=TAG, errors=(404, 409))
    def delete(self, stream_id: str) -> Response:
        self._commanded(stream_id)
        self._registry.delete(stream_id)
        return Response(status=204)

    @describe("Start a stream", contract.StreamStarted, tag=TAG, errors=(404, 409))
    def start(self, stream_id: str) -> Response:
        self.start_stream(stream_id)
        config = self._services.config
        body = {"status": "live", "stream_url": config.rtmp_url, "playback_url": playback_url(config, stream_id)}
        return answer(body)

    @describe("Stop a stream for good", contract.StreamStopped, tag=TAG, errors=(404, 409))
    def stop(self, stream_id: str) -> Response:
        self.stop_stream(stream_id)
        return answer({"status": "ended"})

    @describe("Give a stream a fresh key", contract.StreamEvent, tag=TAG, errors=(404, 409))
    def rotate_key(self, stream_id: str) -> Response:
        """Another key for the stream; whoever publishes now goes on, and is refused when coming back."""
        self._commanded(stream_id)
        return answer(self._event(self._registry.rotate_key(stream_id), _caller()))

    def start_stream(self, stream_id: str) -> StreamRecord:
        """Start a stream for the caller, and count the command."""
        return self._counted("stream_start", stream_id, self._registry.start)

    def stop_stream(self, stream_id: str) -> StreamRecord:
        """Stop a stream for the caller, count the command, and have its publisher cut off."""
        record = self._counted("stream_stop", stream_id, self._registry.stop)
        if self._services.publishers is not None:
            self._services.publishers.cut(record.id)
        return record

    def _counted(self, action: str, stream_id: str, command: Any) -> StreamRecord:
        try:
            self._commanded(stream_id)
            record = cast(StreamRecord, command(stream_id))
        except Problem:
            self._services.telemetry.commands.add(1, action, "refused")
            raise
        self._services.telemetry.commands.add(1, action, "ok")
        return record

    def _commanded(self, stream_id: str) -> StreamRecord:
        """The stream, which the caller must own, operate or administer."""
        identity = _caller()
        record = self._registry.require(stream_id)
        self._access.check(identity, stream_id)
        self._registry.check_registered(stream_id)
        if not may_see_key(identity, record):
            raise problems.forbidden(f"this is for the stream's owner or the role {OPERATOR}")
        return record

    def _event(self, record: StreamRecord, identity: Identity) -> Any:
        return stream_event(record, self._services.snapshots.present, self._services.config, identity)


def _caller() -> Identity:
    identity = current_identity()
    if identity.anonymous:
        raise problems.unauthorized("missing", "this needs a token")
    return identity


def _use(change: StreamChange) -> StreamRecord:
    raise problems.conflict(f"status cannot be set to {change.status}; POST …/start or …/stop moves a stream")


def _status(text: str | None) -> Status | None:
    if text and text not in STATUSES:
        raise problems.bad_parameter("status", f"must be one of {', '.join(STATUSES)}")
    return cast(Status, text) if text else None


def _as_cursor(record: StreamRecord) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([record.created_at.isoformat(), record.id])).decode()


def _cursor(text: str | None) -> tuple[datetime, str] | None:
    if not text:
        return None
    try:
        instant, stream_id = orjson.loads(base64.urlsafe_b64decode(text))
        moment = datetime.fromisoformat(instant)
        if moment.tzinfo is None or not isinstance(stream_id, str) or "\0" in stream_id:
            raise ValueError("not a cursor")
        return moment, stream_id
    except (ValueError, TypeError) as error:
        raise problems.bad_parameter("cursor", "is not one that a Link header gave") from error
