"""Slow and hostile clients at every port that is open to others."""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.stacks import Running

STALLED, SLOW = 20, 50
LARGE_BYTES = 10 << 20
DRIP_SECONDS = 0.5
GARBAGE_FRAMES = 20


@contextmanager
def clients(local: Running) -> Iterator[None]:
    """Stalled readers and slow senders while the block lasts; before it, what is to be refused is refused."""
    ports = (local.config.bridge_port, local.config.reports_port, local.config.logs_port)
    with ExitStack() as ending:
        for _ in range(STALLED):
            ending.enter_context(stalled_reader(local.config.bridge_port))
        for port in ports:
            ending.enter_context(slow_senders(port))
        refused = refusals(local)
        assert refused == EXPECTED, refused
        send_garbage(local)
        yield


def stalled_reader(port: int) -> socket.socket:
    """A WebSocket that is opened and never read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.connect(("127.0.0.1", port))
    client.sendall(
        b"GET /api/ws/analytics/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    return client


@contextmanager
def slow_senders(port: int) -> Iterator[None]:
    """Connections that send a header which never ends, a byte now and then."""
    done = threading.Event()
    with ExitStack() as ending:
        senders = [ending.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SLOW)]
        for sender in senders:
            sender.sendall(b"POST /v1/beacon HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        thread = threading.Thread(target=_drip, args=(senders, done), name="slow-senders", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(timeout=10)


def _drip(senders: list[socket.socket], done: threading.Event) -> None:
    while not done.wait(DRIP_SECONDS):
        for sender in list(senders):
            try:
                sender.sendall(b"x")
            except OSError:  # given up by the server
                senders.remove(sender)


EXPECTED = {
    "large body of beacons": 413,
    "large body of events": 413,
    "gzip bomb": 413,
    "beacons that are none": 400,
    "forged token for events about money": 403,
    "forged token for pushed logs": 401,
    "forged token for stream keys": 401,
}
"""What hostile requests are answered with."""


def refusals(local: Running) -> dict[str, int]:
    """The answers to requests that nobody honest sends."""
    config, forged = local.config, {"Authorization": "Bearer forged"}
    beacon = config.url(config.reports_port, "/v1/beacon")
    events = config.url(config.reports_port, "/v1/events")
    money = {"streamId": config.stream, "eventType": "donation", "eventData": {"amount": 9, "currency": "USD"}}
    json_type = {"Content-Type": "application/json"}
    bomb = gzip.compress(bytes(LARGE_BYTES))
    sent = {
        "large body of beacons": (beacon, bytes(LARGE_BYTES), {}),
        "large body of events": (local.http("/api/v1/analytics/events"), bytes(LARGE_BYTES), json_type),
        "gzip bomb": (beacon, bomb, {"Content-Encoding": "gzip"}),
        "beacons that are none": (beacon, os.urandom(1000), {}),
        "forged token for events about money": (
            events,
            json.dumps({**money, "timestamp": time.time() * 1000}).encode(),
            forged,
        ),
        "forged token for pushed logs": (config.url(config.logs_port, "/push/nginx"), b"{}", forged),
        "forged token for stream keys": (local.http("/internal/publish"), b"{}", forged | json_type),
    }
    return {name: _status(address, body, headers) for name, (address, body, headers) in sent.items()}


def _status(address: str, body: bytes, headers: dict[str, str]) -> int:
    return requests.post(address, data=body, headers=headers, timeout=10).status_code


def send_garbage(local: Running) -> None:
    """Frames that are no frames: each such connection is closed."""
    for _ in range(GARBAGE_FRAMES):
        with connect(local.websocket("/api/ws/analytics/realtime"), proxy=None, close_timeout=1) as client:
            client.recv(timeout=5)
            client.socket.sendall(b"\xff" + os.urandom(999))
            try:
                while True:
                    client.recv(timeout=5)
            except ConnectionClosed:
                continue
