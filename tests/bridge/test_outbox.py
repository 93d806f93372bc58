"""The outbox keeps order, tears no piece, keeps only the newest message of a room, and bounds what waits."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.outbox import MAX_CONTROL_BYTES, Outbox, PeerGoneError


class Pipe:
    """A peer that takes as many bytes at each send as the test allows."""

    def __init__(self, room: int = 0) -> None:
        self.room = room
        self.taken = b""

    def send(self, data: bytes, flags: int) -> int:
        if not self.room:
            raise BlockingIOError
        count = min(self.room, len(data))
        self.room -= count
        self.taken += data[:count]
        return count


def test_what_the_peer_takes_is_sent_at_once() -> None:
    pipe = Pipe(100)
    assert Outbox(pipe.send).offer("a", b"hello")
    assert pipe.taken == b"hello"


def test_a_piece_half_sent_is_finished_before_anything_else() -> None:
    pipe = Pipe(3)
    outbox = Outbox(pipe.send)
    assert not outbox.offer("a", b"first!")
    outbox.write(b"pong")
    pipe.room = 100
    assert outbox.flush() == 7
    assert pipe.taken == b"first!pong"
    assert not outbox.is_behind


def test_only_the_newest_message_of_each_room_waits() -> None:
    pipe = Pipe(1)
    outbox = Outbox(pipe.send)
    for message in (b"a0", b"a1", b"a2", b"a3"):
        outbox.offer("a", message)
    outbox.offer("b", b"b0")
    pipe.room = 100
    outbox.flush()
    assert pipe.taken == b"a0a3b0"
    assert outbox.dropped == 2


def test_control_bytes_go_before_messages_and_are_bounded() -> None:
    pipe = Pipe(1)
    outbox = Outbox(pipe.send)
    outbox.offer("a", b"xy")
    outbox.offer("a", b"new")
    outbox.write(b"p" * MAX_CONTROL_BYTES)
    with pytest.raises(PeerGoneError):
        outbox.write(b"p")
    pipe.room = 100_000
    outbox.flush()
    assert pipe.taken == b"xy" + b"p" * MAX_CONTROL_BYTES + b"new"


def test_a_peer_that_has_gone_is_an_error() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(PeerGoneError):
        Outbox(ours.send).write(b"hello")


@given(st.lists(st.tuples(st.sampled_from("ab"), st.binary(min_size=2, max_size=40), st.integers(0, 60))))
def test_whatever_the_peer_takes_pieces_arrive_whole_and_in_order(turns: list[tuple[str, bytes, int]]) -> None:
    pipe = Pipe()
    outbox = Outbox(pipe.send)
    for number, (room, body, free) in enumerate(turns):
        outbox.offer(room, number.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body)
        pipe.room = free
        outbox.flush()
    pipe.room = 1 << 20
    outbox.flush()
    seen, data = {"a": [-1], "b": [-1]}, pipe.taken
    while data:
        number, size = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        room, body, _ = turns[number]
        assert data[4 : 4 + size] == body
        assert number > seen[room][-1]
        seen[room].append(number)
        data = data[4 + size :]
    for room in "ab":
        sent = [number for number, turn in enumerate(turns) if turn[0] == room]
        assert not sent or seen[room][-1] == sent[-1]
