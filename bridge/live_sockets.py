"""The WebSocket routes: who may open which socket, which rooms it joins, and what it may say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Blueprint, Flask, Response
from flask_sock import Sock
from simple_websocket import ConnectionError as HandshakeError
from werkzeug.datastructures import EnvironHeaders
from wsproto.utilities import RemoteProtocolError

from bridge import connection as codes
from bridge import frames
from bridge.answers import answer_problem
from bridge.auth import SUBPROTOCOL
from bridge.connection import Connection, Peer
from bridge.handshake import Accepted, Environ
from bridge.identity import Identity
from bridge.live import Hub
from bridge.live_messages import LiveMessages
from bridge.problems import Problem
from bridge.services import Services
from bridge.tokens import KeysUnavailableError, TokenError

MAX_SUBSCRIPTIONS = 200
REPLIES = {"ping": "pong", "heartbeat": "heartbeat_ack"}
CLOSE_CODES = {401: codes.UNAUTHORIZED, 403: codes.FORBIDDEN, 404: codes.NOT_FOUND, 503: codes.TRY_LATER}
DROPPED_FOR = {codes.UNAUTHORIZED: "auth", codes.TOO_MANY: "ratelimit"}


class NoThread:
    """Stands in for simple_websocket's reader thread: the hub reads by event instead."""

    name = "none"

    def __init__(self, target: Callable[[], None]) -> None:
        pass

    def start(self) -> None:
        pass


class NoEvent:
    """Stands in for simple_websocket's wake-up: nobody waits in ``receive``."""

    def set(self) -> None:
        pass


def register(app: Flask, services: Services) -> None:
    """Add the sockets' routes to the app."""
    app.config["SOCK_SERVER_OPTIONS"] = {
        "subprotocols": [SUBPROTOCOL],
        "thread_class": NoThread,
        "event_class": NoEvent,
    }
    app.register_error_handler(RemoteProtocolError, _bad_handshake)
    app.register_error_handler(HandshakeError, _bad_handshake)
    sock = Sock()
    sockets = LiveSockets(services)

    def realtime(ws: Accepted) -> None:
        sockets.open(ws, "analytics", sockets.join_platform)

    def metrics(ws: Accepted, stream_id: str) -> None:
        sockets.open(ws, "metrics", lambda connection: sockets.join_stream(connection, stream_id))

    def real_time(ws: Accepted, stream_id: str) -> None:
        sockets.open(ws, "real_time", lambda connection: sockets.join_real_time(connection, stream_id))

    def container(ws: Accepted, container_id: str) -> None:
        sockets.open(ws, "container", lambda connection: sockets.join_container(connection, container_id))

    area = Blueprint("sockets", __name__)
    sock.route("/ws/analytics/realtime", bp=area)(realtime)
    sock.route("/ws/streams/<stream_id>/metrics", bp=area)(metrics)
    sock.route("/ws/analytics/<stream_id>", bp=area)(real_time)
    sock.route("/ws/container/<container_id>", bp=area)(container)
    app.register_blueprint(area, url_prefix="/api")
    app.register_blueprint(area, name="sockets@root")


def _bad_handshake(error: Exception) -> Response:
    return answer_problem(Problem(400, f"not a WebSocket handshake: {error}"))


class LiveSockets:
    """Opens sockets and answers their messages. A refusal is a close code, because browsers hide HTTP statuses."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hub: Hub = services.hub
        self._messages = LiveMessages(services)

    def open(self, ws: Accepted, topic: str, join: Callable[[Connection], None]) -> None:
        """Hand a fresh socket to the hub, and put it into its room."""
        address = ws.environ.get("REMOTE_ADDR", "")
        refused = self._hub.refusal(address)
        identity = Identity("", None)
        if refused is None:
            try:
                headers = EnvironHeaders(ws.environ)
                identity = self._services.auth.identify(headers, parameters(ws.environ), websocket=True)
            except TokenError as error:
                refused = self._counted(address, (codes.UNAUTHORIZED, str(error)))
            except KeysUnavailableError as error:
                refused = (codes.TRY_LATER, str(error))
        connection = self._hub.adopt(ws.sock.detach(), Peer(identity, address, topic), self.on_text)
        ws.connected = False  # simple_websocket would close it now
        if refused is not None:
            self._services.telemetry.ws_dropped.add(1, DROPPED_FOR.get(refused[0], "capacity"))
            connection.close(*refused)
            return
        try:
            join(connection)
        except Problem as problem:
            refused = (CLOSE_CODES.get(problem.status, codes.BAD_REQUEST), problem.detail)
            connection.close(*(refused if problem.status >= 500 else self._counted(address, refused)))

    def _counted(self, address: str, refused: tuple[int, str]) -> tuple[int, str]:
        """Count a refused handshake against the address; the refusal, or that of an address beyond its limit."""
        try:
            self._services.limits.count_address(address)
        except Problem as problem:
            return codes.TOO_MANY, problem.detail
        return refused

    def join_platform(self, connection: Connection) -> None:
        identity = connection.peer.identity
        self._hub.join(connection, platform_room(identity), self._messages.analytics(identity), "analytics")

    def join_stream(self, connection: Connection, stream_id: str) -> None:
        self._services.check_stream(connection.peer.identity, stream_id)
        messages, viewers = self._messages.metrics(stream_id), self._messages.viewers(stream_id)
        self._hub.join(connection, f"metrics/{stream_id}", messages, "metrics", viewers)

    def join_real_time(self, connection: Connection, stream_id: str) -> None:
        self._services.check_stream(connection.peer.identity, stream_id)
        messages, viewers = self._messages.real_time(stream_id), self._messages.viewers(stream_id)
        self._hub.join(connection, f"real_time/{stream_id}", messages, "real_time", viewers)

    def join_container(self, connection: Connection, container_id: str) -> None:
        if self._services.containers is None:
            raise Problem(404, f"no container {container_id!r}")
        self._services.containers.check(connection.peer.identity, container_id)
        self._hub.join(connection, f"container/{container_id}", self._messages.container(container_id), "container")

    def on_text(self, connection: Connection, text: str) -> None:
        """Answer one client message; what is no JSON object closes with 4400."""
        self._services.telemetry.ws_messages.add(1, "in", connection.peer.topic)
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            connection.close(codes.BAD_REQUEST, "send a JSON object with a type")
            return
        kind = message.get("type")
        if isinstance(kind, str) and kind in REPLIES:
            _send(connection, {"type": REPLIES[kind]})
        elif kind in ("subscribe", "unsubscribe") and connection.peer.topic == "analytics":
            self._change_subscriptions(connection, kind, message.get("streamIds"))
        else:
            _send(connection, {"type": "error", "status": 400, "detail": "unknown type of message"})

    def _change_subscriptions(self, connection: Connection, kind: str, stream_ids: Any) -> None:
        if not isinstance(stream_ids, list) or not all(isinstance(one, str) for one in stream_ids):
            connection.close(codes.BAD_REQUEST, "streamIds must be a list of texts")
            return
        changed = []
        for stream_id in dict.fromkeys(stream_ids):
            if kind == "unsubscribe":
                self._hub.leave(connection, f"metrics/{stream_id}")
            elif len(connection.rooms) >= MAX_SUBSCRIPTIONS:
                _send(connection, {"type": "error", "status": 429, "detail": f"over {MAX_SUBSCRIPTIONS} streams"})
                break
            elif not self._subscribe(connection, stream_id):
                continue
            changed.append(stream_id)
        _send(connection, {"type": f"{kind}d", "streamIds": changed})

    def _subscribe(self, connection: Connection, stream_id: str) -> bool:
        try:
            self.join_stream(connection, stream_id)
        except Problem as problem:
            body = {"type": "error", "streamId": stream_id, "status": problem.status, "detail": problem.detail}
            _send(connection, body)
            return False
        return True


def platform_room(identity: Identity) -> str:
    """The room of those who see the same of the platform; no tenant's name makes it that of another kind of caller."""
    if identity.is_admin:
        return "analytics"
    return "analytics/" if identity.tenant_id is None else f"analytics/t/{identity.tenant_id}"


def parameters(environ: Environ) -> Mapping[str, str]:
    """The query of a request; of repeated names, the first counts."""
    return dict(reversed(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))


def _send(connection: Connection, body: dict[str, Any]) -> None:
    connection.write(frames.text_frame(orjson.dumps(body)))
