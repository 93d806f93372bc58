"""Plain reads: answered in front of Flask exactly as Flask answers them, and taken in turn."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import requests
from flask import Flask, request_started
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from bridge.access import Access
from bridge.app import create_app
from bridge.assembly import areas
from bridge.auth import Authenticator
from bridge.config import Config
from bridge.limits import RateLimits
from bridge.reads import is_plain
from bridge.services import Services
from bridge.snapshot import SnapshotStore
from bridge.telemetry import Telemetry
from bridge.tokens import verifier
from exporters.settings import Secret
from tests.bridge.platform import bridge, group_of
from tests.bridge.streams_made import SECRET, simulated
from tests.bridge.test_app import Owners
from tests.bridge.tokens_made import signed
from tests.servers import wait_until

STREAM = "base-camp"
READS = (
    "/analytics/real-time/{}",
    "/analytics/streams/{}",
    "/analytics/streams/{}/metrics",
    "/streaming/health/{}",
    "/streaming/viewers/{}",
    "/console/overview",
)
CONFIG = Config(
    auth="anonymous-read",
    jwt_secret=Secret(SECRET),
    jwt_leeway_seconds=0,
    rate_limit_address="25/minute",
    rate_limit_token="9/minute",
)
_, PARTS = simulated()
SNAPSHOT = PARTS.services.snapshots.latest()


COUNTED = ("requests", "in_flight", "auth_failures", "rate_limited")


class Clock:
    """Seconds since the snapshot was taken."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return SNAPSHOT.taken + self.seconds


class Side:
    """One of two equal apps; requests reach it plainly, or with a query that leads them to Flask."""

    def __init__(self, config: Config, clock: Clock, suffix: str = "") -> None:
        self.telemetry = Telemetry()
        self.services = self._services(config, clock)
        self.app = create_app(self.services, areas(self.services))
        self._suffix = suffix
        self.lines: list[str] = []

    def _services(self, config: Config, clock: Clock) -> Services:
        snapshots = SnapshotStore(6.0, 60.0, clock)
        snapshots.swap(SNAPSHOT)
        return replace(
            PARTS.services,
            config=config,
            snapshots=snapshots,
            auth=Authenticator(config, verifier(config, clock), lambda why: self.telemetry.auth_failures.add(1, why)),
            access=Access(Owners(), "default"),
            limits=RateLimits(config, lambda scope: self.telemetry.rate_limited.add(1, scope), clock),
            telemetry=self.telemetry,
        )

    def ask(self, method: str, path: str, headers: dict[str, str]) -> tuple[TestResponse, bool]:
        """The answer, and whether Flask gave it."""
        reached: list[Flask] = []

        def note(app: Flask, **_: Any) -> None:
            reached.append(app)

        with request_started.connected_to(note, self.app), lines_of("bridge.request") as lines:
            answer = self.app.test_client().open(path + self._suffix, method=method, headers=headers)
        self.lines += [re.sub(r"\?through=flask|\d+\.\dms", "", line) for line in lines]
        return answer, bool(reached)

    def counted(self) -> dict[str, Any]:
        """What its metrics say, apart from durations."""
        named = {name: dict(getattr(self.telemetry, name).items()) for name in COUNTED}
        routes = [labels[0] for labels in named["requests"]]
        return {**named, "timed": {one: self.telemetry.request_duration.count(one) for one in routes}}


@contextmanager
def lines_of(name: str) -> Iterator[list[str]]:
    """The messages that a logger is given."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(name)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def told(answer: TestResponse) -> tuple[str, list[tuple[str, str]], bytes]:
    return answer.status, list(answer.headers), answer.get_data()


def compare(config: Config, asked_for: list[tuple[float, str, str, dict[str, str]]]) -> int:
    """Ask both sides the same; the number of answers that Flask had no part in."""
    clock = Clock()
    plain, through_flask = Side(config, clock), Side(config, clock, "?through=flask")
    spared = 0
    for number, (later, method, path, headers) in enumerate(asked_for):
        clock.seconds += later
        headers = {"X-Request-Id": f"r{number}", **headers}
        ours, reached = plain.ask(method, path, headers)
        flasks, must_reach = through_flask.ask(method, path, headers)
        assert told(ours) == told(flasks)
        assert must_reach
        spared += not reached
    assert plain.counted() == through_flask.counted()
    assert plain.lines == through_flask.lines
    return spared


NOW = SNAPSHOT.taken
TOKENS = (
    signed(tenant_id="acme", sub="ann", exp=NOW + 3600),
    signed(tenant_id="acme", sub="ann", exp=NOW + 30),
    signed(tenant_id="rival", sub="ben", exp=NOW + 3600),
    signed(tenant_id=None, roles=["admin"], exp=NOW + 3600),
    signed(tenant_id="acme", sub=None, exp=NOW + 3600),
    signed(tenant_id="acme", exp=NOW - 1),
    signed(tenant_id="acme", nbf=NOW + 20, exp=NOW + 3600),
    signed(secret="another-secret-of-at-least-32-bytes!!", exp=NOW + 3600),
    "[object Promise]",
    "abc",
)
AUTHORIZATIONS = (*(f"Bearer {one}" for one in TOKENS), f"bearer  {TOKENS[0]} ", "Basic abc", "Bearer", "")
STREAMS = (STREAM, "campfire", "summit-show", "nope", "Ü", "a b", "a/b", "x" * 300, "%", "")
PLAIN_HOSTS = ("localhost", "127.0.0.1:8001", "api.example.com", "a_b-c.d", "[::1]:8001", f"{'a' * 57}.com:65535")
ODD_HOSTS = ("..", ".", "a..b", f"{'a' * 64}.com", f"{'a' * 60}:8001", "a b", "x/y", "[::1", "x:abc", "x:999999", "")
HOSTS = (*PLAIN_HOSTS, *ODD_HOSTS)


def paths() -> st.SearchStrategy[str]:
    read = st.builds(
        lambda mount, route, stream, slash: mount + route.format(quote(stream)) + slash,
        st.sampled_from(["/api/v1", "/api", "", "//api"]),
        st.sampled_from(READS),
        st.sampled_from(STREAMS),
        st.sampled_from(["", "", "", "/"]),
    )
    return st.one_of(read, read, read, st.sampled_from(["/healthz", "/nope", "/api/streams", "/api//streams/x"]))


def chosen_headers() -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "Authorization": st.sampled_from(AUTHORIZATIONS),
            "Origin": st.sampled_from(["http://localhost:5173", "http://evil.example", "null", ""]),
            "X-Request-Id": st.sampled_from(["abc-1", "x.y_z"]),
            "Upgrade": st.sampled_from(["websocket", "h2c"]),
            "Content-Length": st.just("0"),
            "Host": st.sampled_from(HOSTS),
        },
    )


@given(
    st.sampled_from(["anonymous-read", "required", "off"]),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.0, 0.0, 1.0, 7.3, 31.0]),
            st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "POST"]),
            paths(),
            chosen_headers(),
        ),
        max_size=40,
    ),
)
@settings(deadline=None, max_examples=40)
def test_both_paths_give_the_same_answers_counts_and_log_lines(mode: str, asked_for: list[Any]) -> None:
    compare(replace(CONFIG, auth=mode), asked_for)


@pytest.mark.parametrize("mount", ["/api/v1", "/api", ""])
@pytest.mark.parametrize("route", READS)
def test_a_plain_read_needs_no_flask(mount: str, route: str) -> None:
    path = mount + route.format(STREAM)
    admin = {"Authorization": f"Bearer {TOKENS[3]}", "Origin": "http://localhost:5173"}
    asked = [(0.0, "GET", path, admin), (1.5, "GET", path + "/", {}), (5.0, "GET", path.replace(STREAM, "nope"), {})]
    assert compare(CONFIG, asked) == 3


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("HEAD", READS[0], {}),
        ("POST", READS[0], {}),
        ("GET", READS[0] + "?x=1", {}),
        ("GET", READS[0], {"Upgrade": "websocket"}),
        ("GET", READS[0], {"Transfer-Encoding": "chunked"}),
        ("GET", READS[0].replace("{}", "%C3%9C"), {}),
        ("GET", "/api/streams", {}),
    ],
)
def test_what_is_unusual_goes_to_flask(method: str, path: str, headers: dict[str, str]) -> None:
    _, reached = Side(CONFIG, Clock()).ask(method, path.format(STREAM), headers)
    assert reached


@pytest.mark.parametrize("host", HOSTS)
def test_both_paths_make_the_same_of_a_host(host: str) -> None:
    asked_for = [(0.0, "GET", READS[4].format("campfire"), {"Host": host})]
    assert compare(CONFIG, asked_for) == (host in PLAIN_HOSTS)


def test_a_request_with_a_body_is_not_plain() -> None:
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": READS[0], "CONTENT_LENGTH": "0"}
    assert is_plain(environ)
    assert not is_plain({**environ, "CONTENT_LENGTH": "5"})


def test_a_kept_token_is_refused_from_the_moment_it_expires() -> None:
    bearer = {"Authorization": f"Bearer {TOKENS[1]}"}
    clock = Clock()
    side = Side(replace(CONFIG, auth="required"), clock)
    statuses = []
    for seconds in (0.0, 29.9, 30.0):
        clock.seconds = seconds
        statuses.append(side.ask("GET", READS[1].format(STREAM), bearer)[0].status_code)
    assert statuses == [200, 200, 401]


def test_both_paths_refuse_alike_once_the_numbers_are_too_old() -> None:
    path = READS[0].format("campfire")
    assert compare(CONFIG, [(later, "GET", path, {}) for later in (0.0, 6.1, 53.8, 0.2)]) == 4


def test_both_paths_refuse_alike_beyond_each_limit() -> None:
    ann = {"Authorization": AUTHORIZATIONS[0]}
    by_token = [(0.0, "GET", READS[1].format(STREAM), ann)] * 11
    by_address = [(1.0, "GET", READS[1].format("campfire"), {})] * 20
    assert compare(CONFIG, [*by_token, *by_address]) == 31


def test_a_fault_of_ours_is_a_500_on_both_paths() -> None:
    clock = Clock()
    answers = []
    for suffix in ("", "?through=flask"):
        side = Side(CONFIG, clock, suffix)
        app = create_app(replace(side.services, timeline=None), areas(replace(side.services, timeline=None)))
        path = READS[0].format("campfire")
        answers.append(told(app.test_client().get(path + suffix, headers={"X-Request-Id": "a"})))
    assert answers[0] == answers[1]
    assert answers[0][0] == "500 INTERNAL SERVER ERROR"


def test_a_read_without_an_id_is_given_one() -> None:
    answer, _ = Side(CONFIG, Clock()).ask("GET", READS[0].format("campfire"), {})
    assert re.fullmatch("[0-9a-f]{16}", answer.headers["X-Request-Id"])


@pytest.mark.live
def test_a_client_with_many_requests_at_once_leaves_others_their_turn(tmp_path: Path) -> None:
    with bridge(tmp_path, {"BRIDGE_MOCK": "1", "BRIDGE_ACCESS_LOG": "true"}) as url:
        port = int(url.rsplit(":", 1)[1])
        first, second = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        with first, second:
            for client, name in ((first, "a"), (second, "b")):
                client.sendall(asked(name, 1))
                answered(client, 1)
            with stopped(url):
                first.sendall(asked("a", 40))
                second.sendall(asked("b", 40))
            answered(first, 40)
            answered(second, 40)
        log = next(tmp_path.glob("bridge-*.log")).read_text()
    order = re.findall(r"id=([ab])40", log)[2:]
    assert (order.count("a"), order.count("b")) == (40, 40)
    changes = sum(one != after for one, after in pairwise(order))
    assert changes > 40


@pytest.mark.live
def test_the_server_takes_no_path_from_a_header(open_bridge: str) -> None:
    headers = {"SCRIPT_NAME": "/nope", "PATH_INFO": "/nope"}
    assert requests.get(f"{open_bridge}/streaming/viewers/{STREAM}", headers=headers, timeout=5).status_code == 200


def asked(name: str, times: int) -> bytes:
    return f"GET /streaming/viewers/{STREAM} HTTP/1.1\r\nHost: x\r\nX-Request-Id: {name}40\r\n\r\n".encode() * times


def answered(client: socket.socket, times: int) -> None:
    """Read this many answers."""
    client.settimeout(30)
    received = b""
    while received.count(b"HTTP/1.1 200 OK") < times or not received.endswith(b"}"):
        part = client.recv(65536)
        assert part
        received += part


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """The bridge's processes do nothing in the meantime."""
    group = group_of(url)
    members = [leader := psutil.Process(group), *leader.children(recursive=True)]
    os.killpg(group, signal.SIGSTOP)
    try:
        wait_until(lambda: all(one.status() == psutil.STATUS_STOPPED for one in members), "the bridge to stop")
        yield
    finally:
        os.killpg(group, signal.SIGCONT)
