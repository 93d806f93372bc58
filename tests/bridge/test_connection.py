"""What a connection recognises without a parser."""

from __future__ import annotations

import pytest
from websockets.frames import Frame, Opcode

from bridge.connection import is_whole_pong


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
