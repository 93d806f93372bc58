"""One open WebSocket: reads by event, writes through its outbox, holds no thread or greenlet while idle."""

from __future__ import annotations

import _socket
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import gevent
from wsproto.connection import Connection as Protocol_
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from bridge import frames
from bridge.identity import Identity
from bridge.outbox import Outbox, PeerGoneError

MAX_MESSAGE_BYTES = 4096
MESSAGES_A_SECOND = 10.0
MESSAGES_AT_ONCE = 40.0
MAX_WAITING_MESSAGES = 16
MAX_PARTS = MAX_MESSAGE_BYTES
"""What a message may come in: enough for one byte at a time, while empty parts have no size that would limit them."""
READ, WRITE = 1, 2  # libev's event bits
NORMAL, GOING_AWAY, UNSUPPORTED, ABNORMAL, POLICY, TOO_BIG, TRY_LATER = 1000, 1001, 1003, 1006, 1008, 1009, 1013
"""Close codes of RFC 6455 §7.4.1 and its registry; the 44xx codes are the contract's own."""
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 4400, 4401, 4403, 4404, 4429


class Owner(Protocol):
    """What a connection tells its hub."""

    def on_behind(self, connection: Connection) -> None: ...

    def on_closed(self, connection: Connection, code: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, and on which kind of socket."""

    identity: Identity
    address: str
    topic: str


class Connection:
    """A WebSocket after its handshake. ``on_text`` is called with each whole text message, in a greenlet."""

    __slots__ = (
        "_allowance",
        "_counted",
        "_failed",
        "_inbox",
        "_on_text",
        "_owner",
        "_parts",
        "_protocol",
        "_reading",
        "_size",
        "_socket",
        "_writing",
        "closing",
        "heard",
        "outbox",
        "peer",
        "progress",
        "rooms",
    )

    def __init__(
        self, descriptor: int, peer: Peer, owner: Owner, on_text: Callable[[Connection, str], None] | None = None
    ) -> None:
        # The plain socket, because gevent's has watchers of its own; naming its kind spares three system calls.
        self._socket = _socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
        self._owner = owner
        self._on_text = on_text
        self._protocol: Protocol_ | None = None
        self._parts: list[str] | None = None
        self._size = 0
        self._failed = False
        self._inbox: deque[str] | None = None
        self._allowance = MESSAGES_AT_ONCE
        self._counted = self.heard = time.monotonic()
        self.peer = peer
        self.outbox = Outbox(self._socket.send)
        self.rooms: tuple[str, ...] = ()
        self.progress = 0.0
        self.closing: tuple[int, float] | None = None
        """close code and when it was decided, once it was"""
        self._writing: Any = None
        self._reading = gevent.get_hub().loop.io(descriptor, READ)
        self._reading.start(self._on_readable)

    @property
    def is_open(self) -> bool:
        return self.closing is None

    def offer(self, room: str, frame: bytes) -> None:
        """Send a room's newest message when the peer is ready for it."""
        if self.closing is None:
            try:
                if not self.outbox.offer(room, frame):
                    self._wait_writable()
            except PeerGoneError:
                self.drop(ABNORMAL)

    def write(self, frame: bytes) -> None:
        """Send an answer, a ping or a close, in order."""
        if self._reading is not None:
            try:
                if not self.outbox.write(frame):
                    self._wait_writable()
            except PeerGoneError:
                self.drop(ABNORMAL)

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake; the peer has a moment to answer."""
        if self.closing is None:
            self.closing = (code, time.monotonic())
            self.outbox.discard()
            self.write(frames.close_frame(code, reason))
            self._finish_sending()

    def drop(self, code: int) -> None:
        """End the connection now."""
        if self._reading is None:
            return
        for watcher in (self._reading, self._writing):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        self._reading = self._writing = None
        if self.closing is None:
            self.closing = (code, time.monotonic())
        self._socket.close()
        self._owner.on_closed(self, self.closing[0])

    def _wait_writable(self) -> None:
        if self._writing is None:
            self.progress = time.monotonic()
            self._writing = gevent.get_hub().loop.io(self._socket.fileno(), WRITE)
            self._writing.start(self._on_writable)
            self._owner.on_behind(self)

    def _on_writable(self) -> None:
        try:
            if self.outbox.flush():
                self.progress = time.monotonic()
        except PeerGoneError:
            self.drop(ABNORMAL)
            return
        if not self.outbox.is_behind:
            self._writing.stop()
            self._writing.close()
            self._writing = None
            self._finish_sending()

    def _finish_sending(self) -> None:
        """After the close frame has left: no more output, but the peer's close is still read."""
        if self.closing is not None and not self.outbox.is_behind and self._reading is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def _on_readable(self) -> None:
        try:
            data = self._socket.recv(MAX_MESSAGE_BYTES, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.drop(ABNORMAL)
            return
        self.heard = time.monotonic()
        if self._failed or (self._protocol is None and is_whole_pong(data)):
            return  # the peer of a dashboard sends nothing but pongs: they need no parser, nor the memory of one
        if self._protocol is None:
            self._protocol = Protocol_(ConnectionType.SERVER)
        try:
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                self._on_event(event)
                if self._reading is None:
                    return
        except (LocalProtocolError, RemoteProtocolError):
            self.drop(ABNORMAL)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, CloseConnection):
            self._on_close(event)
        elif self.closing is not None:
            return
        elif isinstance(event, Ping):
            self.write(frames.pong_frame(bytes(event.payload)))
        elif isinstance(event, TextMessage):
            self._on_text_part(event)
        elif isinstance(event, BytesMessage):
            self.close(UNSUPPORTED, "send text")

    def _on_close(self, event: CloseConnection) -> None:
        code = int(event.code)
        if self.closing is None:
            # A peer may leave the code out, but 1005 must not be written (RFC 6455 §7.4.1).
            self.close(NORMAL if code == 1005 else code, event.reason or "")
        assert self._protocol is not None
        if self._protocol.state is ConnectionState.OPEN:
            # Not the peer's close but wsproto's verdict on a frame: nothing it sends from here on can be read.
            self._failed = True
        elif not self.outbox.is_behind:
            self.drop(code)

    def _on_text_part(self, event: TextMessage) -> None:
        self._size += len(event.data.encode())
        if self._size > MAX_MESSAGE_BYTES:
            self.close(TOO_BIG, f"messages are at most {MAX_MESSAGE_BYTES} bytes")
            return
        if self._parts is None:
            self._parts = []
        if len(self._parts) >= MAX_PARTS:
            self.close(TOO_BIG, f"a message comes in at most {MAX_PARTS} parts")
            return
        self._parts.append(event.data)
        if event.message_finished:
            text = "".join(self._parts)
            self._parts, self._size = None, 0
            self._take(text)

    def _take(self, text: str) -> None:
        """Hand a message to ``on_text``, one after the other, within the rate that a client may send at."""
        refill = (self.heard - self._counted) * MESSAGES_A_SECOND
        self._allowance = min(MESSAGES_AT_ONCE, self._allowance + refill) - 1
        self._counted = self.heard
        waiting = self._inbox is not None and len(self._inbox) >= MAX_WAITING_MESSAGES
        if self._allowance < 0 or waiting:
            self.close(POLICY, "too many messages")
            return
        if self._inbox is None:
            self._inbox = deque()
            gevent.spawn(self._handle_inbox)
        self._inbox.append(text)

    def _handle_inbox(self) -> None:
        # A message may need to wait for an answer (whose stream is it?), which an event callback must not.
        while self._inbox and self.closing is None:
            text = self._inbox.popleft()
            if self._on_text is not None:
                self._on_text(self, text)
        self._inbox = None


def is_whole_pong(data: bytes) -> bool:
    """Whether the bytes are one pong of a client and nothing else (RFC 6455 §5.2: masked, at most 125 bytes)."""
    return len(data) >= 6 and data[0] == 0x8A and 0x80 <= data[1] <= 0x80 | 125 and len(data) == 6 + (data[1] & 0x7F)
