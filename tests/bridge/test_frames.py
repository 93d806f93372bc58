"""Frames are as RFC 6455 §5.2 writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from bridge import frames


@pytest.mark.parametrize(("size", "head"), [(5, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)])
def test_the_length_takes_as_many_bytes_as_it_needs(size: int, head: int) -> None:
    assert len(frames.text_frame(b"x" * size)) == head + size


@given(st.text(max_size=70_000))
def test_another_implementation_reads_the_same_text(text: str) -> None:
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(frames.text_frame(text.encode()))
    parts = [event.data for event in peer.events() if isinstance(event, TextMessage)]
    assert "".join(parts) == text


def test_control_frames_are_read_by_another_implementation() -> None:
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(frames.ping_frame(b"a") + frames.pong_frame(b"b") + frames.close_frame(4401, "token expired"))
    assert list(peer.events()) == [Ping(b"a"), Pong(b"b"), CloseConnection(code=4401, reason="token expired")]


def test_a_long_reason_is_cut_at_a_character() -> None:
    peer = Connection(ConnectionType.CLIENT)
    peer.receive_data(frames.close_frame(1008, "é" * 100))
    assert list(peer.events()) == [CloseConnection(code=1008, reason="é" * 61)]
