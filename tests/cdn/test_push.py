"""Pushed logs: authenticated, counted once each, refused when there are too many."""

from __future__ import annotations

import base64
import gzip
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import requests

from exporters.cdn.sources.push import PushIntake, PushSource
from exporters.cdn.sources.pushserver import PushServer
from tests.cdn.scene import FIXTURES, Scene, nginx_line

TOKEN = {"Authorization": "Bearer s3cret"}


class Endpoint:
    """A push server over a scene on a free port."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", limit_bytes: int = 1 << 20) -> None:
        self.scene = Scene(folder)
        names = {"fastly": "fastly", "cloudflare": "cloudflare", "akamai": "akamai", "cf": "cloudfront-realtime"}
        opened = {name: self.scene.source(form, repeats=True, name=name) for name, form in names.items()}
        self.scene.ledger.restore()
        sources = {name: PushSource(*pair) for name, pair in opened.items()}
        self.intake = PushIntake(sources, self.scene.ledger, "s3cret", concurrent=2)
        self.server = PushServer((host, 0), self.intake, limit_bytes)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"

    def close(self) -> None:
        self.server.stop()
        self.scene.close()

    def raw(self, header: bytes, body: bytes, path: bytes = b"fastly", token: bytes = b"s3cret") -> int:
        """The status of the answer to a push with just this header, beside the token, once all of it has been sent."""
        head = b"POST /push/%s HTTP/1.1\r\nAuthorization: Bearer %s\r\n%s\r\n\r\n" % (path, token, header)
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as client:
            client.sendall(head + body)
            return int(client.recv(4096).split()[1])

    def post(self, source: str, body: bytes, **headers: str) -> requests.Response:
        return requests.post(f"{self.url}/push/{source}", body, headers=TOKEN | headers, timeout=10)

    def ok(self) -> float:
        table = self.scene.tables.records.public
        return sum(value for labels, value in table.items() if labels[2] == "ok")

    def result(self, result: str) -> float:
        return sum(value for labels, value in self.scene.tables.records.public.items() if labels[2] == result)


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Endpoint]:
    made = Endpoint(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("source", "fixture"), [("fastly", "fastly.jsonl"), ("cloudflare", "cloudflare.jsonl"), ("akamai", "akamai.jsonl")]
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_lines_are_stored_when_the_push_is_answered(
    source: str, fixture: str, packed: bool, endpoint: Endpoint
) -> None:
    text = (FIXTURES / fixture).read_bytes()
    answer = endpoint.post(source, gzip.compress(text) if packed else text)
    assert (answer.status_code, endpoint.ok()) == (200, 5)
    assert endpoint.scene.ledger.checkpoint.series() != []


def test_firehose_gets_its_own_answer_and_counts_a_repeat_once(endpoint: Endpoint) -> None:
    lines = (FIXTURES / "cloudfront-realtime.tsv").read_bytes().splitlines(keepends=True)
    records = [{"data": base64.b64encode(line).decode()} for line in lines]
    body = orjson.dumps({"requestId": "r-1", "timestamp": 1, "records": records})
    headers = {"X-Amz-Firehose-Request-Id": "r-1", "X-Amz-Firehose-Access-Key": "s3cret", "Authorization": ""}
    for _ in range(2):
        answer = endpoint.post("cf", gzip.compress(body), **headers)
        assert answer.status_code == 200
        assert answer.json()["requestId"] == "r-1"
        assert answer.headers["Content-Type"] == "application/json"
    assert (endpoint.ok(), endpoint.result("duplicate")) == (5, 1)


def test_a_body_sent_again_counts_once_even_after_a_restart(tmp_path: Path) -> None:
    text = (FIXTURES / "fastly.jsonl").read_bytes()
    for _ in range(2):
        endpoint = Endpoint(tmp_path)
        assert endpoint.post("fastly", text).status_code == 200
        assert endpoint.ok() == 5
        endpoint.close()


def test_a_record_in_two_bodies_counts_once(endpoint: Endpoint) -> None:
    lines = (FIXTURES / "cloudflare.jsonl").read_bytes().splitlines(keepends=True)
    endpoint.post("cloudflare", b"".join(lines[:4]))
    endpoint.post("cloudflare", b"".join(lines[2:5]))
    assert (endpoint.ok(), endpoint.result("duplicate")) == (5, 2)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!"},
        {"Authorization": "Basic " + base64.b64encode(b"user:wrong").decode()},
        {"Authorization": "", "X-Amz-Firehose-Access-Key": "wrong"},
    ],
)
def test_without_the_token_nothing_is_counted(headers: dict[str, str], endpoint: Endpoint) -> None:
    answer = endpoint.post("fastly", (FIXTURES / "fastly.jsonl").read_bytes(), **headers)
    assert (answer.status_code, endpoint.ok()) == (401, 0)


def test_a_password_will_do_as_token(endpoint: Endpoint) -> None:
    basic = "Basic " + base64.b64encode(b"anyone:s3cret").decode()
    assert endpoint.post("fastly", b"{}", Authorization=basic).status_code == 200


def test_when_all_places_are_taken_a_push_is_to_be_tried_again(endpoint: Endpoint) -> None:
    assert endpoint.intake.enter() and endpoint.intake.enter()
    text = (FIXTURES / "fastly.jsonl").read_bytes()
    answer = endpoint.post("fastly", text)
    assert (answer.status_code, answer.headers["Retry-After"], endpoint.ok()) == (429, "2", 0)
    endpoint.intake.leave()
    assert endpoint.post("fastly", text).status_code == 200


def test_what_cannot_be_stored_is_to_be_tried_again_and_counts_once(endpoint: Endpoint) -> None:
    text = (FIXTURES / "fastly.jsonl").read_bytes()
    base = endpoint.scene.ledger.checkpoint._base
    base.execute("CREATE TRIGGER full BEFORE INSERT ON series BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    assert endpoint.post("fastly", text).status_code == 503
    base.execute("DROP TRIGGER full")
    assert endpoint.post("fastly", text).status_code == 200
    assert endpoint.ok() == 5


def test_a_body_over_the_limit_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.post("fastly", b"x" * ((1 << 20) + 1)).status_code == 413


def test_a_body_in_chunks_is_read(endpoint: Endpoint) -> None:
    lines = (FIXTURES / "fastly.jsonl").read_bytes().splitlines(keepends=True)
    answer = requests.post(f"{endpoint.url}/push/fastly", iter(lines), headers=TOKEN, timeout=10)
    assert (answer.status_code, endpoint.ok()) == (200, 5)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b";a=" + b"y" * 4000 + b"\r\n"])
def test_a_chunk_may_have_an_extension(ending: bytes, endpoint: Endpoint) -> None:
    text = (FIXTURES / "fastly.jsonl").read_bytes()
    chunks = b"%X" % len(text) + ending + text + b"\r\n0" + ending + b"Trailer: x\r\n\r\n"
    assert endpoint.raw(b"Transfer-Encoding: chunked", chunks) == 200
    assert endpoint.ok() == 5


@pytest.mark.parametrize(
    "chunks",
    [b"-1\r\n", b"0x1\r\n", b"1_0\r\n", b"\r\n", b"1;" + b"y" * 5000, b"1\r\n{}\r\n", b"0\r\n" + b"a:b\n" * 101],
)
def test_chunks_that_are_none_are_refused(chunks: bytes, endpoint: Endpoint) -> None:
    assert endpoint.raw(b"Transfer-Encoding: chunked", chunks) == 400
    assert endpoint.ok() == 0


@pytest.mark.parametrize("length", [b"\xb2", b"9" * 5000, b"-1", b"+1", b"1_0", b""])
def test_a_length_that_is_none_is_refused(length: bytes, endpoint: Endpoint) -> None:
    assert endpoint.raw(b"Content-Length: " + length, b"") == 400


def framed(body: bytes, chunked: bool) -> tuple[bytes, bytes]:
    """The header that tells how a body is sent, and the body so sent."""
    if not chunked:
        return b"Content-Length: %d" % len(body), body
    return b"Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
@pytest.mark.parametrize(
    ("path", "token", "status"), [(b"x", b"s3cret", 404), (b"fastly", b"", 401), (b"fastly", b"s3cret", 429)]
)
def test_a_refusal_arrives_though_the_body_is_large(
    chunked: bool, path: bytes, token: bytes, status: int, tmp_path: Path
) -> None:
    endpoint = Endpoint(tmp_path, limit_bytes=16 << 20)
    assert endpoint.intake.enter() and endpoint.intake.enter()
    assert endpoint.raw(*framed(b"x" * (16 << 20), chunked), path, token) == status
    endpoint.intake.leave()
    assert endpoint.post("fastly", b"{}").status_code == 200, "a body that is discarded takes no place"
    endpoint.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_refusal_arrives_when_a_body_is_up_to_twice_the_limit(chunked: bool, tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path, limit_bytes=16 << 20)
    assert endpoint.raw(*framed(b"x" * (32 << 20), chunked)) == 413
    endpoint.close()


def test_a_refusal_does_not_wait_for_the_body(endpoint: Endpoint) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.server.port), timeout=10) as client:
        client.sendall(b"POST /push/fastly HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_body_without_end_is_cut(endpoint: Endpoint) -> None:
    with socket.create_connection(("127.0.0.1", endpoint.server.port), timeout=10) as client:
        client.sendall(b"POST /push/fastly HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(ConnectionError):
            while True:
                client.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def test_a_server_listens_on_ipv6(tmp_path: Path) -> None:
    endpoint = Endpoint(tmp_path, host="::1")
    with socket.create_connection(("::1", endpoint.server.port), timeout=10) as client:
        client.sendall(b"GET /.well-known/fastly/logging/challenge HTTP/1.1\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
    endpoint.close()


def test_a_body_cut_off_counts_nothing(endpoint: Endpoint) -> None:
    text = (FIXTURES / "fastly.jsonl").read_bytes()
    with socket.create_connection(("127.0.0.1", endpoint.server.port), timeout=10) as client:
        head = f"POST /push/fastly HTTP/1.1\r\nAuthorization: Bearer s3cret\r\nContent-Length: {len(text) + 9}\r\n\r\n"
        client.sendall(head.encode() + text)
        client.shutdown(socket.SHUT_WR)
        assert b" 400 " in client.recv(4096)
    assert endpoint.ok() == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b"\0" * (200 << 20), 9), 413),
        (gzip.compress(nginx_line() * 100)[:-20], 400),
        (b"x" * (1 << 20), 200),
        (b"\x1f\x8bnonsense", 400),
        (b"", 200),
    ],
    ids=["bomb", "torn", "no-line", "no-gzip", "empty"],
)
def test_a_hostile_body_is_answered(body: bytes, status: int, endpoint: Endpoint) -> None:
    assert endpoint.post("akamai", body).status_code == status
    assert endpoint.ok() == 0


def test_fastlys_challenge_names_the_services_allowed(tmp_path: Path, endpoint: Endpoint) -> None:
    path = "/.well-known/fastly/logging/challenge"
    assert requests.get(endpoint.url + path, timeout=10).text == "*\n"
    endpoint.intake._fastly_services = ("svc1",)
    assert requests.get(endpoint.url + path, timeout=10).text == hashlib.sha256(b"svc1").hexdigest() + "\n"


def test_unknown_sources_are_not_found(endpoint: Endpoint) -> None:
    assert endpoint.post("nonesuch", b"x").status_code == 404
    assert requests.get(f"{endpoint.url}/push/fastly", timeout=10).status_code == 404


def test_a_stopped_server_takes_no_push_over_a_kept_connection(endpoint: Endpoint) -> None:
    with requests.Session() as kept:
        push = {"data": nginx_line(), "headers": TOKEN, "timeout": 10}
        assert kept.post(f"{endpoint.url}/push/fastly", **push).ok
        endpoint.server.stop()
        with pytest.raises(requests.ConnectionError):
            kept.post(f"{endpoint.url}/push/fastly", **push)
