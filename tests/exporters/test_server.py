"""The exporters' HTTP side, asked over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporters.checks import parse_address
from exporters.errors import ConfigError
from exporters.exposition import OPENMETRICS_TYPE, Samples, Table
from exporters.metrics import RTMP_UP
from exporters.server import Reply, Request, RunningService, Service, serve


class Up:
    name = "up"

    def collect(self) -> Iterable[Table]:
        table = Samples(RTMP_UP)
        table.set(1, "local", "nginx-rtmp")
        return [table]


def echo(request: Request) -> Reply:
    return Reply(200, request.method.encode() + b" " + request.query.encode() + b" " + request.body)


def broken(request: Request) -> Reply:
    raise RuntimeError("a defect")


@pytest.fixture
def address() -> Iterator[str]:
    service = Service("rtmp", [Up()], routes={"/echo": echo, "/broken": broken})
    running = RunningService(service, ("127.0.0.1", 0)).start()
    yield f"http://127.0.0.1:{running.port}"
    running.stop()


def test_metrics_are_negotiated_and_carry_python_and_build(address: str) -> None:
    answer = requests.get(f"{address}/metrics", headers={"Accept": "application/openmetrics-text"}, timeout=5)
    assert answer.headers["Content-Type"] == OPENMETRICS_TYPE
    families = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"livestream_rtmp_up", "livestream_build_info", "process_cpu_seconds", "python_info"} <= families
    plain = requests.get(f"{address}/metrics", headers={"Accept": "text/plain"}, timeout=5)
    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "# EOF" not in plain.text


def test_health_trailing_slashes_and_unknown_paths(address: str) -> None:
    assert requests.get(f"{address}/healthz/", timeout=5).text == "ok\n"
    assert requests.get(f"{address}/nothing", timeout=5).status_code == 404
    assert requests.head(f"{address}/metrics", timeout=5).content == b""


def test_routes_get_query_and_body_and_a_defect_is_500(address: str) -> None:
    assert requests.post(f"{address}/echo?a=1", data=b"body", timeout=5).content == b"POST a=1 body"
    assert requests.get(f"{address}/broken", timeout=5).status_code == 500
    assert requests.get(f"{address}/healthz", timeout=5).ok


def test_a_huge_body_is_refused_before_it_is_read(address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", [b"-4", b"\xb2", b"1_0", b"9" * 5000])
def test_a_length_that_is_none_is_refused(length: bytes, address: str) -> None:
    port = int(address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\n")
        assert peer.recv(100).startswith(b"HTTP/1.1 400 ")


def test_an_ipv6_address_is_listened_on() -> None:
    running = RunningService(Service("rtmp", [Up()]), parse_address("RTMP_LISTEN", "[::1]:0")).start()
    assert requests.get(f"http://[::1]:{running.port}/healthz", timeout=5).text == "ok\n"
    running.stop()


def test_a_stopped_server_ends_the_connections_that_clients_keep() -> None:
    running = RunningService(Service("rtmp", [Up()]), ("127.0.0.1", 0)).start()
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as peer, peer.makefile("rb") as answers:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        while answers.readline().strip():
            continue
        assert answers.read(3) == b"ok\n"
        running.stop()
        assert answers.read() == b""


def test_a_taken_port_and_a_wrong_address_are_said_clearly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: .* Set RTMP_LISTEN"):
            serve(Service("rtmp", [Up()]), ("127.0.0.1", port), "RTMP_LISTEN")
    with pytest.raises(ConfigError, match="RTMP_LISTEN is 'here'; it must be host:port"):
        parse_address("RTMP_LISTEN", "here")
