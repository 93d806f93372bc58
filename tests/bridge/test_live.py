"""The hub's rooms: when a message goes out early, and that there is one in each interval all the same."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from bridge.config import Config
from bridge.connection import ABNORMAL, GOING_AWAY, Peer
from bridge.identity import EVERYONE
from bridge.live import Hub
from bridge.telemetry import Telemetry


class Stream:
    """A room's numbers, which a test changes, and the peer that is sent them."""

    def __init__(self, hub: Hub, name: str = "demo", is_told_early: bool = True) -> None:
        self.viewers = 0
        self.hub = hub
        ours, self._theirs = socket.socketpair()
        self.connection = hub.adopt(ours.detach(), Peer(EVERYONE, "127.0.0.1", "metrics"))
        early = {"viewers": lambda: self.viewers} if is_told_early else {}
        hub.join(
            self.connection, name, lambda sequence: [{"seq": sequence, "viewers": self.viewers}], "metrics", **early
        )

    def received(self) -> list[tuple[int, int]]:
        """Sequence number and viewers of each message since the last call."""
        try:
            data = self._theirs.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        messages: list[dict[str, Any]] = []
        while data:
            end = 2 + data[1]
            if data[0] != 0x89:  # a ping may come at any time
                assert data[0] == 0x81
                messages.append(json.loads(data[2:end]))
            data = data[end:]
        return [(one["seq"], one["viewers"]) for one in messages]

    def close(self) -> None:
        self._theirs.close()


def a_hub(config: Config) -> Hub:
    """A hub for whom each message is newer than the one before."""
    return Hub(config, Telemetry(), object)


@pytest.fixture
def stream() -> Iterator[Stream]:
    one = Stream(a_hub(Config()))
    assert one.received() == [(0, 0)]
    yield one
    one.close()
    one.hub.close_all(GOING_AWAY, "")


def test_viewers_that_changed_are_told_before_the_broadcast(stream: Stream) -> None:
    stream.viewers = 3
    stream.hub.hasten()
    assert stream.received() == [(1, 3)]


def test_who_was_told_early_gets_no_second_message_at_the_broadcast(stream: Stream) -> None:
    stream.viewers = 3
    stream.hub.hasten()
    stream.viewers = 4
    stream.hub.hasten()
    stream.hub.broadcast()
    assert stream.received() == [(1, 3)]
    stream.hub.hasten()
    stream.hub.broadcast()
    stream.hub.broadcast()
    assert stream.received() == [(2, 4), (3, 4)]


def test_without_a_change_nothing_is_early(stream: Stream) -> None:
    stream.hub.hasten()
    assert stream.received() == []
    stream.hub.broadcast()
    assert stream.received() == [(1, 0)]


def test_each_room_is_told_of_its_own_viewers(stream: Stream) -> None:
    other = Stream(stream.hub, "other")
    silent = Stream(stream.hub, "silent", is_told_early=False)
    stream.viewers = silent.viewers = 3
    stream.hub.hasten()
    assert (stream.received(), other.received(), silent.received()) == ([(1, 3)], [(0, 0)], [(0, 0)])
    stream.hub.broadcast()
    assert (stream.received(), other.received(), silent.received()) == ([], [(1, 0)], [(1, 3)])
    other.close()
    silent.close()


def test_a_newcomer_is_told_the_number_of_the_message_that_was_early(stream: Stream) -> None:
    stream.viewers = 3
    stream.hub.hasten()
    newcomer = Stream(stream.hub)
    assert newcomer.received() == [(1, 3)]
    newcomer.close()


def test_who_has_left_before_it_joins_leaves_no_room_behind() -> None:
    hub = a_hub(Config())
    ours, theirs = socket.socketpair()
    connection = hub.adopt(ours.detach(), Peer(EVERYONE, "127.0.0.1", "metrics"))
    connection.drop(ABNORMAL)
    hub.join(connection, "demo", lambda sequence: (), "metrics")
    theirs.close()
    assert hub._rooms == {}


def test_the_last_to_leave_closes_the_room(stream: Stream) -> None:
    newcomer = Stream(stream.hub, "other")
    newcomer.connection.drop(ABNORMAL)
    newcomer.close()
    assert list(stream.hub._rooms) == ["demo"]


def test_a_peers_own_close_codes_are_counted_as_one() -> None:
    hub = a_hub(Config())
    for code in (1000, 1006, 4429, 3000, 3001, 4999):
        ours, theirs = socket.socketpair()
        hub.adopt(ours.detach(), Peer(EVERYONE, "127.0.0.1", "metrics")).drop(code)
        theirs.close()
    assert dict(hub._telemetry.ws_closed.items()) == {("1000",): 1, ("1006",): 1, ("4429",): 1, ("other",): 3}


@pytest.mark.parametrize("is_changing", [True, False])
def test_over_time_there_is_one_message_a_broadcast(is_changing: bool) -> None:
    hub = a_hub(Config(broadcast_seconds=0.2, tick_seconds=0.04))
    stream = Stream(hub)
    hub.start()
    try:
        while hub.sequence < 8:
            stream.viewers += is_changing
            hub.freshen()
            gevent.sleep(0.02)
        numbers = [sequence for sequence, _ in stream.received()]
    finally:
        hub.stop()
        stream.close()
    assert numbers[:9] == list(range(9))
    assert len(numbers) <= 10
