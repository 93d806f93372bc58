"""Whatever bytes a peer sends, its socket ends or goes on, and everybody else is served."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.frames import Opcode

from tests.bridge.test_websockets import METRICS, REALTIME, frames_in, opened, raw, received

pytestmark = pytest.mark.live
QUIET = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(["ping", "heartbeat", "subscribe", "unsubscribe", "?"]) | JSON},
    optional={"streamIds": st.lists(st.sampled_from(["base-camp", "campfire", "x/../y", "\u0000"]) | JSON) | JSON},
)


def still_serves(url: str) -> None:
    with opened(url, METRICS) as ws:
        assert received(ws)["type"] == "metrics"


@QUIET
@given(data=st.binary(min_size=1, max_size=300))
def test_random_bytes_harm_nobody(open_bridge: str, data: bytes) -> None:
    with raw(open_bridge, METRICS) as sock:
        sock.sendall(data)
        sock.settimeout(0.05)
        answer = b""
        with contextlib.suppress(TimeoutError, ConnectionResetError):
            while part := sock.recv(1 << 16):
                answer += part
        frames_in(answer)
    still_serves(open_bridge)


@QUIET
@given(frames=st.lists(st.tuples(st.sampled_from(list(Opcode)), st.binary(max_size=125), st.booleans()), max_size=8))
def test_frames_in_any_order_harm_nobody(open_bridge: str, frames: list[tuple[Opcode, bytes, bool]]) -> None:
    with raw(open_bridge, METRICS) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for opcode, payload, final in frames:
            head = bytes([(0x80 if final else 0) | opcode, 0x80 | len(payload), 0, 0, 0, 0])
            sock.sendall(head + payload)
    still_serves(open_bridge)


@QUIET
@given(messages=st.lists(MESSAGES, min_size=1, max_size=6))
def test_any_json_is_answered_or_closes(open_bridge: str, messages: list[object]) -> None:
    with raw(open_bridge, REALTIME) as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for message in messages:
            text = json.dumps(message).encode()[:4096]
            sock.sendall(b"\x81" + bytes([0xFE]) + len(text).to_bytes(2, "big") + b"\0\0\0\0" + text)
        sock.sendall(b"\x88\x80\0\0\0\0")
        sock.settimeout(5)
        answer = b""
        while part := sock.recv(1 << 16):
            answer += part
        assert frames_in(answer)[-1][0] == 8
    still_serves(open_bridge)
