"""One socket's output: everything leaves in order, without blocking, and what is outdated is left out.

simple_websocket's own ``send`` ignores short writes and blocks on a stalled peer; behind this outbox neither can
happen. Nothing here switches greenlets, so no lock is needed.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
MAX_CONTROL_BYTES = 8192


class PeerGoneError(Exception):
    """The peer has closed or reset the connection, or lets answers pile up."""


class Outbox:
    """At most: the rest of one half-sent piece, the ordered control bytes, and the newest message of each room."""

    __slots__ = ("_control", "_latest", "_send", "_tail", "dropped")

    def __init__(self, send: Callable[[bytes, int], int]) -> None:
        self._send = send
        self._tail = b""
        self._control = b""
        self._latest: dict[str, bytes] | None = None
        self.dropped = 0

    @property
    def is_behind(self) -> bool:
        """Whether something waits for the peer to read."""
        return bool(self._tail or self._control or self._latest)

    def offer(self, room: str, frame: bytes) -> bool:
        """Send a room's message, or keep it in the place of the room's older one; False while behind."""
        if self._tail or self._control or self._latest:
            if self._latest is None:
                self._latest = {}
            if room in self._latest:
                self.dropped += 1
            self._latest[room] = frame
            return False
        return self._begin(frame)

    def write(self, data: bytes) -> bool:
        """Send what must not be left out (answers, pings, close); raises PeerGoneError when too much waits."""
        if self._tail or self._control or self._latest:
            if len(self._control) + len(data) > MAX_CONTROL_BYTES:
                raise PeerGoneError("answers are not read")
            self._control += data
            return False
        return self._begin(data)

    def flush(self) -> int:
        """Send what waits, as far as the peer takes it now; the number of bytes that left."""
        sent = 0
        while self._tail or self._control or self._latest:
            if not self._tail:
                self._tail = self._next()
            count = self._try(self._tail)
            sent += count
            self._tail = self._tail[count:]
            if self._tail:
                break
        return sent

    def discard(self) -> None:
        """Forget messages that wait; half-sent pieces and control bytes stay."""
        self._latest = None

    def _next(self) -> bytes:
        if self._control:
            data, self._control = self._control, b""
        else:
            assert self._latest
            room = next(iter(self._latest))
            data = self._latest.pop(room)
            self._latest = self._latest or None
        return data

    def _begin(self, data: bytes) -> bool:
        count = self._try(data)
        if count == len(data):
            return True
        self._tail = data[count:]
        return False

    def _try(self, data: bytes) -> int:
        try:
            return self._send(data, FLAGS)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise PeerGoneError(str(error)) from error


def chunks(members: list[Any], size: int) -> Iterator[list[Any]]:
    """The members in pieces, so that a long broadcast lets others run in between."""
    return (members[start : start + size] for start in range(0, len(members), size))
