"""The hub: rooms of WebSockets, a broadcast each interval, pings, time limits, and orderly shutdown."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

import gevent
from gevent.event import Event

from bridge import connection as codes
from bridge import frames
from bridge.config import Config
from bridge.connection import Connection, Peer
from bridge.outbox import chunks
from bridge.room import Messages, Room
from bridge.telemetry import Telemetry

log = logging.getLogger(__name__)
YIELD_EVERY = 256
CLOSE_SECONDS = 2.0
EARLY_SHARE = 2 / 3
"""How much of an interval a message may go out before its end."""
MAX_OVERTIME_SECONDS = 50.0
"""What a socket may outlive its token by, whatever clock difference is forgiven."""


class Hub:
    """All open sockets of this process. Runs in greenlets of one thread, so its state needs no lock."""

    def __init__(self, config: Config, telemetry: Telemetry, version: Callable[[], object] = lambda: None) -> None:
        self._config = config
        self._telemetry = telemetry
        self._version = version
        self._rooms: dict[str, Room] = {}
        self._connections: dict[Connection, None] = {}
        self._by_address: Counter[str] = Counter()
        self._behind: dict[Connection, None] = {}
        self._closing: dict[Connection, None] = {}
        self._greenlets: list[gevent.Greenlet] = []
        self._fresh = Event()
        self._ping_turn = 0
        self.sequence = 0
        self.draining = False

    def __len__(self) -> int:
        return len(self._connections)

    def start(self) -> None:
        self._greenlets = [gevent.spawn(self._broadcast_loop), gevent.spawn(self._housekeeping_loop)]

    def stop(self) -> None:
        """Close every socket with 1001, so that clients connect elsewhere, and end."""
        self.draining = True
        gevent.killall(self._greenlets, block=True)
        self.close_all(codes.GOING_AWAY, "server going away")
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._connections and time.monotonic() < deadline:
            gevent.sleep(0.05)
        for connection in list(self._connections):
            connection.drop(codes.GOING_AWAY)

    def refusal(self, address: str) -> tuple[int, str] | None:
        """Why one more socket cannot be taken, as close code and reason."""
        if self.draining:
            return codes.GOING_AWAY, "server going away"
        if len(self._connections) >= self._config.max_sockets:
            return codes.TRY_LATER, "over capacity"
        if self._by_address[address] >= self._config.max_sockets_per_address:
            return codes.TOO_MANY, "too many connections"
        return None

    def adopt(
        self, descriptor: int, peer: Peer, on_text: Callable[[Connection, str], None] | None = None
    ) -> Connection:
        """Take over a socket whose handshake is done."""
        connection = Connection(descriptor, peer, self, on_text)
        self._connections[connection] = None
        self._by_address[peer.address] += 1
        self._telemetry.ws_opened.add(1, peer.topic)
        self._telemetry.ws_connections.set(len(self._connections))
        return connection

    def join(
        self,
        connection: Connection,
        key: str,
        messages: Messages,
        topic: str,
        viewers: Callable[[], object] = lambda: None,
    ) -> None:
        """Put a connection into a room and send it the room's present messages at once."""
        if not connection.is_open or key in connection.rooms:
            return
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = Room(key, topic, messages, viewers)
        room.members[connection] = None
        connection.rooms = (*connection.rooms, key)
        frame = self._encoded(room)
        if frame:
            connection.offer(key, frame)
            self._count_sent(room, 1)

    def leave(self, connection: Connection, key: str) -> None:
        room = self._rooms.get(key)
        if room is not None and connection in room.members:
            del room.members[connection]
            connection.rooms = tuple(one for one in connection.rooms if one != key)
            if not room.members:
                del self._rooms[key]

    def close_all(self, code: int, reason: str) -> None:
        for connection in list(self._connections):
            connection.close(code, reason)
            self._closing[connection] = None

    def freshen(self) -> None:
        """Say that newer numbers are there: the best moment for a broadcast that is due."""
        self._fresh.set()

    def broadcast(self) -> None:
        """Send every room its messages, but those that have gone out early."""
        begun = time.perf_counter()
        self.sequence += 1
        due = [room for room in self._rooms.values() if not room.early]
        for room in self._rooms.values():
            room.early = False
        for room in due:
            self._send(room)
        self._telemetry.ws_fanout.observe(time.perf_counter() - begun)

    def hasten(self) -> None:
        """Send the rooms whose viewers have changed the messages of the next broadcast now."""
        for room in list(self._rooms.values()):
            if not room.early and room.viewers() != room.told:
                room.early = True
                self._send(room)

    def _send(self, room: Room) -> None:
        """Encoded once, written to each member as far as it reads."""
        frame = self._encoded(room)
        room.told = room.viewers()
        if not frame:
            return
        members = list(room.members)
        for part in chunks(members, YIELD_EVERY):
            for connection in part:
                connection.offer(room.key, frame)
            gevent.sleep(0)
        self._count_sent(room, len(members))

    def on_behind(self, connection: Connection) -> None:
        self._behind[connection] = None

    def on_closed(self, connection: Connection, code: int) -> None:
        for key in connection.rooms:
            self.leave(connection, key)
        self._connections.pop(connection, None)
        self._closing.pop(connection, None)
        self._behind.pop(connection, None)
        self._telemetry.ws_dropped.add(connection.outbox.dropped, "slow")
        self._by_address[connection.peer.address] -= 1
        if self._by_address[connection.peer.address] <= 0:
            del self._by_address[connection.peer.address]
        self._telemetry.closed(code)
        self._telemetry.ws_connections.set(len(self._connections))

    def keep_house(self, now: float) -> None:
        """Ping, and close peers that are silent, stalled, or whose token has ended (``now`` is monotonic)."""
        self._ping_some()
        wall = time.time()
        for connection in list(self._connections):
            expires = connection.peer.identity.expires
            if not connection.is_open:
                self._closing[connection] = None
            elif now - connection.heard > self._config.silence_seconds:
                connection.close(codes.POLICY, "no answer to pings")
            elif expires is not None and wall > expires + min(self._config.jwt_leeway_seconds, MAX_OVERTIME_SECONDS):
                connection.close(codes.UNAUTHORIZED, "token expired")
        for connection in list(self._behind):
            if not connection.outbox.is_behind:
                del self._behind[connection]
            elif connection.is_open and now - connection.progress > self._config.stall_seconds:
                self._telemetry.ws_dropped.add(1, "slow")
                connection.close(codes.TRY_LATER, "messages are not read")
        for connection in list(self._closing):
            closing = connection.closing
            if closing is not None and now - closing[1] > CLOSE_SECONDS:
                connection.drop(closing[0])
        self._telemetry.ws_queue.set(len(self._behind))

    def _ping_some(self) -> None:
        """Ping one share of the sockets each second, so that each gets one in ``ping_seconds``."""
        shares = max(1, round(self._config.ping_seconds))
        self._ping_turn = (self._ping_turn + 1) % shares
        frame = frames.ping_frame()
        for connection in list(self._connections):
            due = (id(connection) >> 6) % shares == self._ping_turn
            if due and connection.is_open and not connection.outbox.is_behind:
                connection.write(frame)

    def _encoded(self, room: Room) -> bytes:
        try:
            return room.encode(self.sequence + room.early, self._version())
        except Exception:
            # One room's fault must not silence the others.
            log.exception("messages of %s cannot be made", room.key)
            return b""

    def _count_sent(self, room: Room, receivers: int) -> None:
        self._telemetry.ws_messages.add(receivers, "out", room.topic)
        self._telemetry.ws_bytes.add(receivers * len(room.frame), "out")

    def _broadcast_loop(self) -> None:
        interval = self._config.broadcast_seconds
        # Half a tick around the due moment, the next snapshot is waited for: numbers then go out as fresh as they are.
        slack = min(self._config.tick_seconds, interval) / 2
        due = time.monotonic() + interval
        while True:
            gevent.sleep(max(0.0, due - interval * EARLY_SHARE - time.monotonic()))
            self.hasten()
            while (left := due - slack - time.monotonic()) > 0:
                self._fresh.clear()
                if self._fresh.wait(timeout=left):
                    self.hasten()
            self._fresh.clear()
            self._fresh.wait(timeout=2 * slack)
            due = time.monotonic() + interval
            self.broadcast()

    def _housekeeping_loop(self) -> None:
        while True:
            gevent.sleep(1.0)
            try:
                self.keep_house(time.monotonic())
            except Exception:
                log.exception("housekeeping turn failed")
