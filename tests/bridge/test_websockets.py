"""The sockets of a real bridge: rooms, messages, refusals, limits, and its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests import servers
from tests.bridge.platform import bridge, group_of
from tests.bridge.streams_made import SECRET
from tests.bridge.tokens_made import signed

pytestmark = pytest.mark.live
STREAM = "base-camp"
METRICS = f"/api/ws/streams/{STREAM}/metrics"
REALTIME = "/api/ws/analytics/realtime"
MOCK = {"BRIDGE_MOCK": "1"}


def opened(url: str, path: str, **options: Any) -> ClientConnection:
    return connect(url.replace("http", "ws", 1) + path, proxy=None, **options)


def received(ws: ClientConnection) -> Any:
    return json.loads(ws.recv(timeout=5))


def close_of(ws: ClientConnection) -> tuple[int, str]:
    """The code and reason that the server closes with, after whatever it still sends."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            ws.recv(timeout=8)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_the_platform_socket_sends_at_once_and_then_each_interval(open_bridge: str) -> None:
    with opened(open_bridge, REALTIME) as ws:
        first, second, third = received(ws), received(ws), received(ws)
    assert set(first) == {"type", "ts", "seq", "data", "meta"}
    assert set(first["data"]) == {
        *("totalViewers", "activeStreams", "revenueToday", "avgEngagement", "errorRate", "serverLoad")
    }
    assert (second["seq"], third["seq"]) == (first["seq"] + 1, first["seq"] + 2)


def test_the_metrics_socket_sends_what_rest_answers(open_bridge: str) -> None:
    with opened(open_bridge, METRICS) as ws:
        message = received(ws)
        answer = requests.get(f"{open_bridge}/api/v1/analytics/real-time/{STREAM}", timeout=5).json()
        while message["meta"]["asOf"] != answer["meta"]["asOf"]:
            if message["meta"]["asOf"] > answer["meta"]["asOf"]:
                answer = requests.get(f"{open_bridge}/api/v1/analytics/real-time/{STREAM}", timeout=5).json()
            else:
                message = received(ws)
    assert message["streamId"] == STREAM
    assert message["data"] == {name: answer[name] for name in message["data"]}


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_shipped_client_gets_bare_numbers(open_bridge: str, prefix: str) -> None:
    with opened(open_bridge, f"{prefix}/ws/analytics/{STREAM}") as ws:
        message = received(ws)
    assert "type" not in message
    assert message["currentViewers"] >= 0
    assert len(message["viewersOverTime"]) >= 24


def test_pings_and_heartbeats_are_answered(open_bridge: str) -> None:
    with opened(open_bridge, METRICS) as ws:
        received(ws)
        ws.send('{"type":"ping"}')
        ws.send('{"type":"heartbeat"}')
        kinds = []
        while len(kinds) < 2:
            kind = received(ws)["type"]
            if kind != "metrics":
                kinds.append(kind)
    assert kinds == ["pong", "heartbeat_ack"]


def test_protocol_pings_are_answered(open_bridge: str) -> None:
    with opened(open_bridge, METRICS) as ws:
        assert ws.ping().wait(timeout=5)


def test_one_socket_may_follow_many_streams(open_bridge: str) -> None:
    with opened(open_bridge, REALTIME) as ws:
        ws.send(json.dumps({"type": "subscribe", "streamIds": [STREAM, "campfire", "nope"]}))
        seen: list[Any] = []
        while not (seen and seen[-1]["type"] == "subscribed"):
            seen.append(received(ws))
        assert seen[-1]["streamIds"] == [STREAM, "campfire"]
        assert {one["streamId"] for one in seen if one["type"] == "metrics"} == {STREAM, "campfire"}
        assert [one["status"] for one in seen if one["type"] == "error"] == [404]
        ws.send(json.dumps({"type": "unsubscribe", "streamIds": ["campfire"]}))
        while received(ws)["type"] != "unsubscribed":
            pass
        later = [received(ws) for _ in range(4)]
    assert {one.get("streamId") for one in later if one["type"] == "metrics"} == {STREAM}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ('{"type":"subscribe","streamIds":"all"}', 4400),
        (b"\x00\x01", 1003),
        ("x" * 4097, 1009),
        (["x" * 3000, "x" * 3000], 1009),
    ],
)
def test_what_no_client_should_send_closes(open_bridge: str, message: str | bytes | list[str], code: int) -> None:
    with opened(open_bridge, REALTIME) as ws:
        ws.send(message)
        assert close_of(ws)[0] == code


def test_an_unknown_type_is_an_error_and_no_end(open_bridge: str) -> None:
    with opened(open_bridge, METRICS) as ws:
        received(ws)
        ws.send('{"type":"dance"}')
        while (answer := received(ws))["type"] != "error":
            pass
        assert answer["status"] == 400
        assert received(ws)["type"] == "metrics"


def test_a_flood_of_messages_is_cut_off(open_bridge: str) -> None:
    with opened(open_bridge, METRICS) as ws:
        with pytest.raises(ConnectionClosed):
            for _ in range(10_000):
                ws.send('{"type":"ping"}')
        assert close_of(ws) == (1008, "too many messages")


def test_an_unknown_stream_closes_with_4404(open_bridge: str) -> None:
    with opened(open_bridge, "/api/ws/streams/nope/metrics") as ws:
        assert close_of(ws) == (4404, "no stream 'nope'")


def test_a_foreign_page_is_refused(open_bridge: str) -> None:
    with pytest.raises(InvalidStatus) as caught, opened(open_bridge, METRICS, origin=Origin("http://evil.example")):
        pass
    assert caught.value.response.status_code == 403


def test_a_page_of_the_list_is_let_in(open_bridge: str) -> None:
    with opened(open_bridge, METRICS, origin=Origin("http://localhost:5173")) as ws:
        assert received(ws)["type"] == "metrics"


def test_compression_is_not_agreed_on(open_bridge: str) -> None:
    with opened(open_bridge, METRICS, compression="deflate") as ws:
        assert ws.response is not None
        assert "Sec-WebSocket-Extensions" not in ws.response.headers


def test_a_plain_request_to_a_socket_is_refused(open_bridge: str) -> None:
    answer = requests.get(open_bridge + METRICS, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")


def test_a_handshake_without_a_key_is_refused(open_bridge: str) -> None:
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    assert requests.get(open_bridge + METRICS, headers=headers, timeout=5).status_code == 400


# Tokens


@pytest.mark.parametrize("how", ["query", "subprotocol", "header"])
def test_a_token_is_taken_from_each_place(closed_bridge: str, how: str) -> None:
    token = signed()
    options: dict[str, Any] = {
        "query": {},
        "subprotocol": {"subprotocols": [Subprotocol("bearer"), Subprotocol(token)]},
        "header": {"additional_headers": {"Authorization": f"Bearer {token}"}},
    }[how]
    path = f"{METRICS}?token={token}" if how == "query" else METRICS
    with opened(closed_bridge, path, **options) as ws:
        assert received(ws)["type"] == "metrics"
        assert ws.subprotocol == ("bearer" if how == "subprotocol" else None)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "this needs a token"),
        ("?token=abc", "the token is not a JWT"),
        (f"?token={signed(exp=1000)}", "token expired"),
        (
            "?token=%5Bobject%20Promise%5D",
            "token is the text [object Promise]: the client sent a promise; await the token first",
        ),
    ],
)
def test_a_refused_token_closes_with_4401_and_says_why(closed_bridge: str, query: str, reason: str) -> None:
    with opened(closed_bridge, METRICS + query) as ws:
        assert close_of(ws) == (4401, reason)


def test_without_authentication_the_shipped_clients_fault_does_no_harm(open_bridge: str) -> None:
    with opened(open_bridge, f"{METRICS}?token=%5Bobject%20Promise%5D") as ws:
        assert received(ws)["type"] == "metrics"


def test_another_tenants_stream_closes_with_4403(closed_bridge: str) -> None:
    with opened(closed_bridge, f"{METRICS}?token={signed(tenant_id='rival')}") as ws:
        assert close_of(ws) == (4403, "this stream belongs to another tenant")


def test_a_tenant_sees_its_own_platform(closed_bridge: str) -> None:
    with (
        opened(closed_bridge, f"{REALTIME}?token={signed(tenant_id='rival')}") as rival,
        opened(closed_bridge, f"{REALTIME}?token={signed()}") as ours,
    ):
        assert received(rival)["data"]["totalViewers"] == 0
        assert received(ours)["data"]["totalViewers"] > 0
        rival.send(json.dumps({"type": "subscribe", "streamIds": [STREAM]}))
        while (answer := received(rival))["type"] == "analytics":
            pass
        assert (answer["type"], answer["status"]) == ("error", 403)


@pytest.mark.parametrize("tenant", ["all", "t", "/"])
def test_no_tenants_name_opens_the_administrators_room(closed_bridge: str, tenant: str) -> None:
    root = signed(tenant_id=None, roles=["admin"])
    with (
        opened(closed_bridge, f"{REALTIME}?token={root}") as admin,
        opened(closed_bridge, f"{REALTIME}?token={signed(tenant_id=tenant)}") as other,
        opened(closed_bridge, f"{REALTIME}?token={root}") as late_admin,
    ):
        assert received(admin)["data"]["totalViewers"] > 0
        assert received(other)["data"]["totalViewers"] == 0
        assert received(late_admin)["data"]["totalViewers"] > 0


def test_a_socket_ends_soon_after_its_token(closed_bridge: str) -> None:
    with opened(closed_bridge, f"{METRICS}?token={signed(exp=int(time.time()) + 2)}") as ws:
        assert received(ws)["type"] == "metrics"
        assert close_of(ws) == (4401, "token expired")


def handshake(url: str, start: str = f"GET {METRICS} HTTP/1.1", **headers: str) -> list[str]:
    """The head of the answer to a handshake with other headers than the usual."""
    host, port = url.removeprefix("http://").split(":")
    usual = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA==",
        "Sec-WebSocket-Version": "13",
    }
    lines = [f"{name}: {value}" for name, value in {**usual, **headers}.items()]
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall("\r\n".join([start, *lines, "", ""]).encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(1)
    return head.decode().split("\r\n")


@pytest.mark.parametrize("headers", [{}, {"Connection": "keep-alive, Upgrade"}, {"Content-Length": "0"}])
def test_a_handshake_as_the_rfc_wants_it_is_answered(open_bridge: str, headers: dict[str, str]) -> None:
    assert handshake(open_bridge, **headers)[0] == "HTTP/1.1 101 Switching Protocols"


@pytest.mark.parametrize(
    ("start", "headers", "status"),
    [
        (f"HEAD {METRICS} HTTP/1.1", {}, "405"),
        (f"GET {METRICS} HTTP/1.0", {}, "400"),
        (f"GET {METRICS} HTTP/1.1", {"Sec-WebSocket-Key": "abc"}, "400"),
        (f"GET {METRICS} HTTP/1.1", {"Sec-WebSocket-Key": "!" * 24}, "400"),
        (f"GET {METRICS} HTTP/1.1", {"Sec-WebSocket-Version": "12"}, "426"),
    ],
)
def test_a_handshake_that_the_rfc_forbids_is_refused(
    open_bridge: str, start: str, headers: dict[str, str], status: str
) -> None:
    head = handshake(open_bridge, start, **headers)
    assert head[0].split(" ")[1] == status
    assert ("Sec-WebSocket-Version: 13" in head) is (status == "426")


# Limits, stalls, storms, the end


@contextmanager
def raw(url: str, path: str, receive_buffer: int | None = None) -> Iterator[socket.socket]:
    """A socket right after its handshake, without a WebSocket library in between."""
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as sock:
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect((host, int(port)))
        sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(1)
        assert head.startswith(b"HTTP/1.1 101")
        yield sock


def frames_in(data: bytes) -> list[tuple[int, bytes]]:
    """Opcode and payload of every whole server frame; fails on anything that is no frame."""
    found = []
    while len(data) >= 2:
        assert data[0] in (0x81, 0x88, 0x89, 0x8A), data[:20]
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        if len(data) < start + size:
            break
        found.append((data[0] & 15, data[start : start + size]))
        data = data[start + size :]
    return found


def read_until_closed(sock: socket.socket) -> bytes:
    data = b""
    while True:
        try:
            part = sock.recv(1 << 16)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def test_a_stalled_reader_harms_nobody_gets_whole_frames_and_is_closed(tmp_path: Path) -> None:
    environ = {**MOCK, "BRIDGE_STALL_SECONDS": "3", "BRIDGE_TIMELINE_POINTS": "360"}
    path = f"/ws/analytics/{STREAM}"  # messages of some 80 kB, which soon fill the kernel's buffers
    with bridge(tmp_path, environ) as url, raw(url, path, 4096) as stalled, opened(url, path) as reader:
        fast = []
        while not _peer_closed(url, stalled):
            fast.append(received(reader)["lastUpdated"])
        assert fast == sorted(set(fast))
        assert received(reader)["lastUpdated"] > fast[-1]
        texts = [json.loads(body) for opcode, body in frames_in(read_until_closed(stalled)) if opcode == 1]
        times = [one["lastUpdated"] for one in texts]
        assert times == sorted(set(times))
        assert 1 <= len(times) < len(fast)


def _peer_closed(url: str, sock: socket.socket) -> bool:
    """Whether the server has closed this connection, as the kernel's table of connections says."""
    local, server = sock.getsockname()[1], int(url.rsplit(":", 1)[1])
    wanted = (f":{server:04X}", f":{local:04X}")
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        columns = line.split()
        if columns[1].endswith(wanted[0]) and columns[2].endswith(wanted[1]):
            return columns[3] != "01"
    return True


def test_sockets_over_the_limits_are_refused_and_counted(tmp_path: Path) -> None:
    metrics_port = servers.free_port()
    environ = {
        **MOCK,
        "BRIDGE_MAX_SOCKETS_PER_ADDRESS": "2",
        "BRIDGE_MAX_SOCKETS": "3",
        "BRIDGE_METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
    }
    with bridge(tmp_path, environ) as url, opened(url, METRICS) as one, opened(url, METRICS) as two:
        received(one)
        received(two)
        with opened(url, METRICS) as third:
            assert close_of(third) == (4429, "too many connections")
        with opened(url, METRICS, sock=_from("127.0.0.2", url)) as other:
            assert received(other)["type"] == "metrics"
            with opened(url, METRICS, sock=_from("127.0.0.3", url)) as fourth:
                assert close_of(fourth) == (1013, "over capacity")
        one.close()
        with opened(url, METRICS) as again:
            assert received(again)["type"] == "metrics"
            page = requests.get(f"http://127.0.0.1:{metrics_port}/metrics", timeout=5).text
    lines = set(page.splitlines())
    assert 'livestream_bridge_ws_closed_total{code="4429"} 1' in lines
    assert 'livestream_bridge_ws_closed_total{code="1013"} 1' in lines
    assert "livestream_bridge_ws_connections 2" in lines
    assert 'livestream_exporter_collector_success{exporter="bridge",collector="bridge"} 1' in lines
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, text=True, capture_output=True, check=False)
    ours = [line for line in checked.stderr.splitlines() if line.startswith("livestream_")]
    assert ours == []


def test_refused_handshakes_count_against_the_address_and_good_ones_do_not(tmp_path: Path) -> None:
    environ = {
        **MOCK,
        "BRIDGE_AUTH": "required",
        "BRIDGE_JWT_SECRET": SECRET,
        "BRIDGE_DEFAULT_TENANT": "acme",
        "BRIDGE_RATE_LIMIT_ADDRESS": "4/minute",
    }
    good, beyond = f"?token={signed()}", (4429, "more than 4 per 1 minute for this address")
    with bridge(tmp_path, environ) as url:
        for _ in range(6):
            with opened(url, METRICS + good) as ws:
                assert received(ws)["type"] == "metrics"
        closes = []
        for path in (METRICS, f"{METRICS}?token=abc", f"/api/ws/streams/nope/metrics{good}"):
            with opened(url, path) as ws:
                closes.append(close_of(ws)[0])
        assert closes == [4401, 4401, 4404]
        assert handshake(url, Origin="http://evil.example")[0] == "HTTP/1.1 403 FORBIDDEN"
        for path in (METRICS, f"/api/ws/streams/nope/metrics{good}"):
            with opened(url, path) as ws:
                assert close_of(ws) == beyond
        assert handshake(url, Origin="http://evil.example")[0] == "HTTP/1.1 429 TOO MANY REQUESTS"
        assert requests.get(f"{url}/api/docs", timeout=5).status_code == 429
        with opened(url, METRICS + good) as ws:
            assert received(ws)["type"] == "metrics"


def _from(address: str, url: str) -> socket.socket:
    """A connection to the bridge from this loopback address."""
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), source_address=(address, 0))


def test_a_silent_peer_is_pinged_and_then_closed(tmp_path: Path) -> None:
    environ = {**MOCK, "BRIDGE_PING_SECONDS": "1", "BRIDGE_SILENCE_SECONDS": "3"}
    with bridge(tmp_path, environ) as url, raw(url, METRICS) as silent, opened(url, METRICS) as live:
        seen = frames_in(read_until_closed(silent))
        assert (9, b"") in seen
        assert seen[-1] == (8, (1008).to_bytes(2, "big") + b"no answer to pings")
        assert received(live)["type"] == "metrics"


def test_a_storm_of_connections_is_taken_without_an_error(open_bridge: str) -> None:
    def join(number: int) -> str:
        with opened(open_bridge, METRICS, open_timeout=60) as ws:
            return str(received(ws)["type"])

    with ThreadPoolExecutor(100) as pool:
        assert list(pool.map(join, range(300))) == ["metrics"] * 300


def test_a_bridge_that_ends_drains_first_and_sends_clients_elsewhere(tmp_path: Path) -> None:
    environ = {**MOCK, "BRIDGE_DRAIN_SECONDS": "1"}
    with bridge(tmp_path, environ) as url, opened(url, METRICS) as ws:
        received(ws)
        os.killpg(group_of(url), signal.SIGTERM)
        draining = servers.wait_until(lambda: _not_ready(url), "/readyz to fail first")
        assert draining["draining"] is True
        assert close_of(ws) == (1001, "server going away")
        servers.wait_until(lambda: not servers.port_answers(int(url.rsplit(":", 1)[1])), "the port to close")


def _not_ready(url: str) -> Any:
    answer = requests.get(f"{url}/readyz", timeout=2)
    return answer.json() if answer.status_code == 503 else None


# Tokens in logs


def test_no_token_is_ever_logged(tmp_path: Path) -> None:
    token = signed()
    environ = {**MOCK, "BRIDGE_AUTH": "required", "BRIDGE_JWT_SECRET": SECRET, "BRIDGE_DEFAULT_TENANT": "acme"}
    with bridge(tmp_path, environ) as url:
        with opened(url, f"{METRICS}?token={token}") as ws:
            received(ws)
        requests.get(f"{url}/api/v1/streams?token={token}", headers={"Authorization": f"Bearer {token}"}, timeout=5)
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as broken:
            broken.sendall(f"GET /?token={token} HTTP/1.1\r\nBad Header: {token}\r\n\r\n".encode())
            broken.recv(1000)
    log = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("bridge-*.log"))
    assert "token=***" in log
    assert token not in log
    assert token.split(".")[1] not in log


# Frames that no client should send


def frame_bytes(frames: Sequence[Frame]) -> bytes:
    return b"".join(frame.serialize(mask=True) for frame in frames)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x05hello", 1002),  # not masked (RFC 6455 §5.1)
        (b"\xf1\x80\x00\x00\x00\x00", 1002),  # reserved bits
        (b"\x83\x80\x00\x00\x00\x00", 1002),  # an opcode that there is none of
        (b"\x89\xfe\x00\x80\x00\x00\x00\x00" + b"x" * 128, 1002),  # a ping over 125 bytes
        (frame_bytes([Frame(Opcode.TEXT, b"\xff\xfe")]), 1007),  # no UTF-8
        (frame_bytes([Frame(Opcode.CONT, b"x")]), 1002),  # a continuation of nothing
        (b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 4096, 1009),  # a message that has no end
        (b"\x88\x81\x00\x00\x00\x00\x03", 1002),  # a close with half a code
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00" + b"x" * 5000, 1009),  # a message of exabytes
    ],
)
def test_broken_frames_close_with_their_code(open_bridge: str, data: bytes, code: int) -> None:
    with raw(open_bridge, METRICS) as sock:
        sock.sendall(data)
        closes = [payload for opcode, payload in frames_in(read_until_closed(sock)) if opcode == 8]
    assert [int.from_bytes(one[:2], "big") for one in closes] == [code]
