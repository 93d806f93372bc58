"""WebSocket handshakes in front of Flask: a plain one is answered at once, everything else by flask-sock.

flask-sock declares the routes and holds their functions; this spares each connection Flask's request and a parser.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from flask import Flask
from werkzeug.routing import Rule

from bridge.auth import SUBPROTOCOL
from bridge.origins import Origins
from bridge.problems import Problem
from bridge.request_log import RequestLog, request_id
from bridge.routes import Routes, has_plain_host

log = logging.getLogger(__name__)
ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
KEY_BYTES = 16
VERSION = "13"
Environ = dict[str, Any]


class Accepted(Protocol):
    """What a socket's route is given: simple_websocket's Server, or our own Socket."""

    environ: Environ
    sock: Any
    connected: bool


class HandshakeSocket:
    """The server's socket while the handshake is answered; afterwards the hub takes it over with ``detach``."""

    __slots__ = ("_socket",)

    def __init__(self, server_socket: Any) -> None:
        self._socket = server_socket

    def send(self, data: bytes) -> int:
        self._socket.sendall(data)
        return len(data)

    def recv(self, size: int) -> bytes:
        received: bytes = self._socket.recv(size)
        return received

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def fileno(self) -> int:
        number: int = self._socket.fileno()
        return number

    def detach(self) -> int:
        """The file descriptor, which the server from now on neither reads nor closes."""
        number: int = self._socket.detach()
        return number


class Socket:
    """A WebSocket whose handshake has been answered here."""

    __slots__ = ("connected", "environ", "sock")

    def __init__(self, environ: Environ, sock: HandshakeSocket) -> None:
        self.environ = environ
        self.sock = sock
        self.connected = True


class Handshakes:
    """WSGI middleware around the app, which also refuses compression.

    A frame is encoded once and sent to everybody; permessage-deflate would need one per peer.
    """

    def __init__(self, app: Flask, origins: Origins, requests: RequestLog) -> None:
        self._application: Callable[..., Iterable[bytes]] = app.wsgi_app
        self._views = app.view_functions
        self._routes = Routes(app, websocket=True)
        self._origins = origins
        self._requests = requests

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket" and "gunicorn.socket" in environ:
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            sock = environ["gunicorn.socket"] = HandshakeSocket(environ["gunicorn.socket"])
            plain = is_plain(environ) and self._is_welcome(environ)
            found = self._routes.find(environ["PATH_INFO"]) if plain else None
            if found is not None:
                self._open(environ, sock, *found)
                raise StopIteration  # gunicorn's sign that the connection is no longer its own
        return self._application(environ, start_response)

    def _is_welcome(self, environ: Environ) -> bool:
        origin = environ.get("HTTP_ORIGIN")
        return origin is None or self._origins.allows(origin)

    def _open(self, environ: Environ, sock: HandshakeSocket, rule: Rule, arguments: Mapping[str, Any]) -> None:
        begun = time.perf_counter()
        identifier = request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        sock.send(acceptance(environ, identifier))
        try:
            view: Any = self._views[rule.endpoint]
            view.__wrapped__(Socket(environ, sock), **arguments)  # the function that flask-sock was given
        except Exception:
            log.exception("socket %s failed", identifier)
            sock.close()
        self._requests.note(rule.rule, "GET", environ["RAW_URI"], 101, begun, identifier)


def is_plain(environ: Environ) -> bool:
    """Whether this is a handshake as every client sends it (RFC 6455 §4.2.1), without a body."""
    if environ["REQUEST_METHOD"] != "GET" or environ["SERVER_PROTOCOL"] != "HTTP/1.1" or "HTTP_HOST" not in environ:
        return False
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != VERSION or "HTTP_TRANSFER_ENCODING" in environ:
        return False
    if environ.get("CONTENT_LENGTH") not in (None, "", "0") or not has_plain_host(environ):
        return False
    connection = environ.get("HTTP_CONNECTION", "").lower()
    if connection != "upgrade" and "upgrade" not in words(connection):
        return False
    return is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", ""))


def check(environ: Environ) -> None:
    """Refuse what flask-sock would answer though RFC 6455 §4.2.1 forbids it; raises a 400, 405 or 426 Problem."""
    if environ["REQUEST_METHOD"] != "GET":
        raise Problem(405, "a WebSocket handshake is a GET", headers={"Allow": "GET"})
    if environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        raise Problem(400, "not a WebSocket handshake: it must be HTTP/1.1")
    version = environ.get("HTTP_SEC_WEBSOCKET_VERSION", VERSION)
    if version != VERSION:
        raise Problem(426, f"the version must be {VERSION}", headers={"Sec-WebSocket-Version": VERSION})
    if not is_key(environ.get("HTTP_SEC_WEBSOCKET_KEY", "")):
        raise Problem(400, f"not a WebSocket handshake: Sec-WebSocket-Key must be {KEY_BYTES} bytes in base64")


def is_key(key: str) -> bool:
    """Whether this is a handshake's key: base64 of 16 bytes."""
    try:
        return len(key) == 24 and len(binascii.a2b_base64(key, strict_mode=True)) == KEY_BYTES
    except ValueError:
        return False


def acceptance(environ: Environ, identifier: str) -> bytes:
    """The answer to a plain handshake (RFC 6455 §4.2.2)."""
    key = environ["HTTP_SEC_WEBSOCKET_KEY"].encode()
    proof = base64.b64encode(hashlib.sha1(key + ACCEPT_SALT, usedforsecurity=False).digest()).decode()
    offered = words(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    chosen = f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n" if SUBPROTOCOL in offered else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {proof}\r\n{chosen}X-Request-Id: {identifier}\r\n\r\n"
    ).encode()


def words(text: str) -> list[str]:
    """The parts of a header that is a comma-separated list."""
    return [part.strip() for part in text.split(",")]
