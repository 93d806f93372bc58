"""What a connection recognises without a parser."""

from __future__ import annotations

import socket

import gevent
import pytest
from websockets.frames import Frame, Opcode

from bridge.config import Config
from bridge.connection import ABNORMAL, MAX_MESSAGE_BYTES, Connection, Peer, is_whole_pong
from bridge.identity import EVERYONE
from bridge.live import Hub
from bridge.telemetry import Telemetry


@pytest.mark.parametrize("size", [0, 1, 125])
def test_a_whole_pong_is_recognised(size: int) -> None:
    assert is_whole_pong(Frame(Opcode.PONG, b"x" * size).serialize(mask=True))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        Frame(Opcode.PONG, b"x").serialize(mask=False),
        Frame(Opcode.PING, b"x").serialize(mask=True),
        Frame(Opcode.PONG, b"x").serialize(mask=True)[:-1],
        Frame(Opcode.PONG, b"").serialize(mask=True) + b"\x81",
        b"\x8a\xfe\x00\x7e" + b"\0" * 130,
    ],
)
def test_anything_else_goes_to_the_parser(data: bytes) -> None:
    assert not is_whole_pong(data)


def test_a_message_may_come_in_as_many_parts_as_it_has_bytes() -> None:
    heard: list[str] = []

    def note(connection: Connection, text: str) -> None:
        heard.append(text)

    hub = Hub(Config(), Telemetry())
    ours, theirs = socket.socketpair()
    connection = hub.adopt(ours.detach(), Peer(EVERYONE, "127.0.0.1", "metrics"), note)
    first = Frame(Opcode.TEXT, b"x", fin=False).serialize(mask=True)
    between = Frame(Opcode.CONT, b"x", fin=False).serialize(mask=True)
    last = Frame(Opcode.CONT, b"x").serialize(mask=True)
    with theirs:
        theirs.sendall(first + between * (MAX_MESSAGE_BYTES - 2) + last)
        with gevent.Timeout(10):
            while not heard:
                gevent.sleep(0)
        connection.drop(ABNORMAL)
    assert heard == ["x" * MAX_MESSAGE_BYTES]
