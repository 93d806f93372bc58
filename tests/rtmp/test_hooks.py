"""Hooks: recorded requests of nginx-rtmp, and the documented ones of SRS and MediaMTX."""

from __future__ import annotations

import logging
from urllib.parse import quote

import orjson
import pytest

from exporters.naming import Naming
from exporters.rtmp.book import StreamBook
from exporters.rtmp.gate import Gate
from exporters.rtmp.hooks import MAX_OPEN, HookTargets, MediamtxHooks, NginxHooks, SrsHooks
from exporters.rtmp.keys import KeyRegistry
from exporters.rtmp.tallies import Tallies
from exporters.server import Reply, Request
from tests.rtmp.fixtures import EPOCH_WALL, HandClock, fixture


class Keys:
    def stream_of(self, key: str) -> str | None:
        return {"key1": "demo", "key2": "other"}.get(key)


class Scene:
    """A book behind each kind of hook."""

    def __init__(self, registry: KeyRegistry | None = None) -> None:
        self.clock = HandClock()
        self.tallies = Tallies()
        self.book = StreamBook(Naming(), self.tallies, clock=self.clock)
        parts = (Gate(registry or Keys(), Naming()), self.book, self.tallies, HookTargets(("a", "b")))
        self.nginx_hooks = NginxHooks(*parts)
        self.srs_hooks = SrsHooks(*parts)
        self.mediamtx_hooks = MediamtxHooks(*parts)

    def nginx(self, form: str, method: str = "POST", query: str = "") -> Reply:
        query, body = (form, b"") if method == "GET" else (query, form.encode())
        return self.nginx_hooks(Request(method, query, {}, body, "127.0.0.1"))

    def srs(self, **fields: object) -> Reply:
        return self.srs_hooks(Request("POST", "", {}, orjson.dumps(fields), "127.0.0.1"))

    def mediamtx(self, **fields: object) -> Reply:
        return self.mediamtx_hooks(Request("POST", "", {}, orjson.dumps(fields), "127.0.0.1"))

    def live(self) -> list[str]:
        return [one.stream for one in self.book.streams() if one.state == "live"]

    def counted(self, event: str, result: str) -> float | None:
        return self.tallies.hooks.get(event, result)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def recorded() -> list[tuple[str, str]]:
    """Method and form of each recorded request, in the order they came."""
    requests = []
    for line in fixture("nginx-rtmp-hooks.txt").decode().splitlines():
        method, _, rest = line.partition(" ")
        separator = " " if method == "POST" else "?"
        requests.append((method, rest.partition(separator)[2]))
    return requests


def test_recorded_requests_are_answered_as_nginx_needs_them(scene: Scene) -> None:
    answers = [(reply.status, reply.headers.get("Location")) for reply in (scene.nginx(f, m) for m, f in recorded())]
    assert answers == [
        (302, "demo"),
        (200, None),
        (200, None),
        (200, None),
        (200, None),
        (200, None),
        (302, "other"),
        (200, None),
        (403, None),
    ]
    assert scene.counted("on_publish", "renamed") == 2
    assert scene.counted("on_publish", "refused") == 1
    assert scene.counted("on_publish", "unchecked") == 0
    assert scene.counted("on_play", "taken") == 1
    assert scene.tallies.starts.get("hooked", "hook") == 2
    assert scene.tallies.ends.get("hooked", "hook") == 2


def test_a_publish_is_live_from_its_hook_to_its_done_hook(scene: Scene) -> None:
    scene.nginx("app=live&clientid=1&call=publish&name=key1_720p&type=live")
    assert scene.live() == ["demo"]
    scene.nginx("app=live&clientid=1&call=publish_done&name=key1_720p")
    assert scene.live() == []


def test_the_end_is_known_although_the_key_was_withdrawn_meanwhile() -> None:
    keys = {"key1": "demo"}

    class Withdrawn:
        def stream_of(self, key: str) -> str | None:
            return keys.get(key)

    scene = Scene(Withdrawn())
    scene.nginx("app=live&clientid=1&call=publish&name=key1")
    keys.clear()
    scene.nginx("app=live&clientid=1&call=publish_done&name=key1")
    assert scene.live() == []


def test_the_end_of_a_publish_from_before_our_start_is_known_by_its_key(scene: Scene) -> None:
    scene.book.begin("live", "demo", "1", "a")
    scene.nginx("app=live&clientid=1&call=publish_done&name=key1")
    assert scene.live() == []


def test_updates_tell_of_publishes_from_before_our_start(scene: Scene) -> None:
    scene.clock.seconds = 100
    scene.nginx("app=live&clientid=1&call=update_publish&time=30&timestamp=29000&name=key1")
    assert scene.book.streams()[0].started == EPOCH_WALL + 70


def test_a_clients_own_query_overrides_nothing(scene: Scene) -> None:
    """nginx appends the query of the publish URL to its form as it is."""
    form = "app=live&clientid=1&call=publish&name=bad&type=live"
    assert scene.nginx(f"{form}&name=key1&app=x&call=play").status == 403


def test_the_key_may_stand_in_the_publish_urls_query(scene: Scene) -> None:
    assert scene.nginx("app=live&clientid=1&call=publish&name=demo&type=live&key=key1").status == 200
    assert scene.nginx("app=live&clientid=2&call=publish&name=other&type=live&key=key1").status == 403
    assert scene.live() == ["demo"]


def test_a_target_may_be_named_in_the_hooks_own_query(scene: Scene) -> None:
    scene.nginx("app=live&clientid=1&call=publish&name=key1", query="target=b")
    scene.nginx("app=live&clientid=1&call=publish&name=key2", query="target=unheard")
    assert scene.book.rows(lambda one: [publish.target for publish in one.publishes.values()]) == [["b"], [""]]
    form = "app=live&clientid=3&call=publish&name=key1_720p"
    scene.nginx(f"target=b?{form}", "GET")
    assert scene.book.rows(lambda one: one.app) == ["live", "live"]
    assert scene.book.rows(lambda one: len(one.publishes)) == [2, 1]
    only = HookTargets(["a"])
    assert only.of(Request("POST", "target=x", {}, b"", "")) == "a"


@pytest.mark.parametrize(
    "form", ["", "call=", "call=unheard", "call=publish&name=key1", "a" * 1000, "&" * 500, "x=1&" * 500]
)
def test_anything_else_is_malformed(scene: Scene, form: str) -> None:
    assert scene.nginx(form).status == 400
    assert scene.counted("other", "malformed") == 1


def test_remembered_publishes_are_bounded() -> None:
    scene = Scene()
    for number in range(MAX_OPEN + 5):
        scene.nginx_hooks._open[("live", str(number), "x")] = "x"
    scene.nginx("app=live&clientid=z&call=publish&name=key1")
    assert len(scene.nginx_hooks._open) == MAX_OPEN


def test_no_key_reaches_the_log(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for name in ("key1", "sk-wrong"):
            scene.nginx(f"app=live&clientid=1&call=publish&name={name}")
            scene.nginx(f"app=live&clientid=1&call=publish_done&name={name}")
    assert "key1" not in caplog.text
    assert "sk-wrong" not in caplog.text


PUBLISH = {"action": "on_publish", "client_id": "c1", "ip": "203.0.113.9", "vhost": "__defaultVhost__", "app": "live"}


def test_srs_publishes_with_the_key_in_the_query(scene: Scene) -> None:
    reply = scene.srs(**PUBLISH, stream="demo", param="?key=key1")
    assert (reply.status, reply.body) == (200, b'{"code":0}')
    assert scene.live() == ["demo"]
    assert scene.srs(**{**PUBLISH, "action": "on_unpublish"}, stream="demo", param="?key=key1").status == 200
    assert scene.live() == []


@pytest.mark.parametrize("param", ["", "?key=wrong", "?key=key2", "?" + quote("key=key1")])
def test_srs_without_the_right_key_is_refused(scene: Scene, param: str) -> None:
    reply = scene.srs(**PUBLISH, stream="demo", param=param)
    assert (reply.status, orjson.loads(reply.body)) == (403, {"code": 403})
    assert scene.live() == []


def test_a_key_as_the_name_of_an_srs_stream_is_refused_because_it_would_show(scene: Scene) -> None:
    assert scene.srs(**PUBLISH, stream="key1", param="").status == 403


@pytest.mark.parametrize("action", ["on_play", "on_stop", "on_dvr", "on_hls"])
def test_other_srs_hooks_are_counted_and_allowed(scene: Scene, action: str) -> None:
    assert scene.srs(action=action, app="live", stream="demo", client_id="c9").body == b'{"code":0}'
    assert scene.counted(action, "taken") == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"action":"on_fire"}', b'{"action":3}'])
def test_other_srs_requests_are_malformed(scene: Scene, body: bytes) -> None:
    assert scene.srs_hooks(Request("POST", "", {}, body, "127.0.0.1")).status == 400


@pytest.mark.parametrize(
    "credentials", [{"query": "key=key1"}, {"password": "key1"}, {"token": "key1"}, {"query": "key=key1&key=x"}]
)
def test_mediamtx_publishes_with_the_key_beside_the_path(scene: Scene, credentials: dict[str, str]) -> None:
    assert scene.mediamtx(action="publish", path="live/demo", id="u-1", **credentials).status == 200
    assert scene.live() == ["demo"]


def test_mediamtx_without_the_right_key_is_refused(scene: Scene) -> None:
    for query in ("", "key=wrong", "key=key2"):
        assert scene.mediamtx(action="publish", path="live/demo", id="u-1", query=query).status == 401
    assert scene.counted("auth_publish", "refused") == 3
    assert scene.live() == []


def test_mediamtx_reading_is_open_and_its_api_is_open_to_this_machine(scene: Scene) -> None:
    assert scene.mediamtx(action="read", path="live/demo", ip="203.0.113.9").status == 200
    assert scene.mediamtx(action="api", ip="127.0.0.1").status == 200
    assert scene.mediamtx(action="api", ip="203.0.113.9").status == 401
    assert scene.mediamtx(action="api", ip="?").status == 401
    assert scene.mediamtx(action="fly").status == 400
