"""Handshakes: which are plain enough to be answered in front of Flask, and how."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.handshake import acceptance, check, is_plain
from bridge.problems import Problem

PLAIN: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "localhost",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("connection", ["Upgrade", "upgrade", "keep-alive, Upgrade"])
def test_what_browsers_send_is_plain(connection: str) -> None:
    assert is_plain({**PLAIN, "HTTP_CONNECTION": connection})


@pytest.mark.parametrize(
    "change",
    [
        {"REQUEST_METHOD": "POST"},
        {"SERVER_PROTOCOL": "HTTP/1.0"},
        {"HTTP_CONNECTION": "keep-alive"},
        {"HTTP_SEC_WEBSOCKET_VERSION": "8"},
        {"HTTP_SEC_WEBSOCKET_KEY": ""},
        {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ"},
        {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25j!Q=="},
        {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZWVl"},  # 18 bytes
        {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="},
        {"CONTENT_LENGTH": "5"},
        {"HTTP_HOST": ".."},
        {"HTTP_TRANSFER_ENCODING": "chunked"},
    ],
)
def test_everything_else_is_not(change: dict[str, str]) -> None:
    assert not is_plain({**PLAIN, **change})


@pytest.mark.parametrize(
    ("change", "status", "headers"),
    [
        ({"REQUEST_METHOD": "HEAD"}, 405, {"Allow": "GET"}),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "12"}, 426, {"Sec-WebSocket-Version": "13"}),
        ({"HTTP_SEC_WEBSOCKET_VERSION": ""}, 426, {"Sec-WebSocket-Version": "13"}),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": "abc"}, 400, {}),
        ({"HTTP_SEC_WEBSOCKET_KEY": "!" * 24}, 400, {}),
    ],
)
def test_what_no_handshake_may_be_is_refused(change: dict[str, str], status: int, headers: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        check({**PLAIN, **change})
    assert (caught.value.status, caught.value.headers) == (status, headers)


def test_what_is_plain_is_no_fault() -> None:
    check(PLAIN)


def test_the_answer_proves_that_the_key_was_read() -> None:
    lines = acceptance(PLAIN, "abc").decode().split("\r\n")
    assert lines == [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: WebSocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",  # the example of RFC 6455 §1.3
        "X-Request-Id: abc",
        "",
        "",
    ]


def test_of_offered_subprotocols_only_bearer_is_taken() -> None:
    def answered(offered: str) -> bytes:
        return acceptance({**PLAIN, "HTTP_SEC_WEBSOCKET_PROTOCOL": offered}, "")

    assert b"Sec-WebSocket-Protocol: bearer\r\n" in answered("bearer, x")
    assert b"Protocol:" not in answered("chat")
