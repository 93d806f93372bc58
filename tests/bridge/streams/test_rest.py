"""The routes of streams: who may do what, and what each answers."""

from __future__ import annotations

import re

import pytest

from bridge.database import Database
from exporters.discovery import parse_streams
from tests.bridge.streams.world import World, world

pytestmark = pytest.mark.live
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def one(database: Database) -> World:
    return world(database)


@pytest.fixture
def demo(one: World) -> World:
    created = one.caller("ann").post("/api/streams", {"id": "demo", "title": "Demo"})
    assert created.status_code == 201
    return one


def test_a_planned_stream_is_answered_whole_with_its_place(one: World) -> None:
    answer = one.caller("ann").post("/api/streams", {"title": "Launch day", "tags": ["a"], "privacy": "unlisted"})
    body = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/streams/{body['id']}"
    assert INSTANT.fullmatch(body.pop("created_at")) and INSTANT.fullmatch(body.pop("updated_at"))
    assert len(body.pop("stream_key")) == 32
    stream_id = body.pop("id")
    assert body == {
        "title": "Launch day",
        "status": "scheduled",
        "stream_url": "rtmp://127.0.0.1:1935/live",
        "playback_url": f"http://127.0.0.1:8081/hls/{stream_id}.m3u8",
        "viewer_count": 0,
        "peak_viewers": 0,
        "total_views": 0,
        "tags": ["a"],
        "privacy": "unlisted",
        "chat_enabled": True,
        "recording_enabled": False,
        "donations_enabled": False,
        "slug": "launch-day",
        "tenant_id": "acme",
        "user_id": "ann",
        "channel_id": "ann",
    }


def test_bad_fields_are_listed(one: World) -> None:
    answer = one.caller("ann").post("/api/streams", {"title": "", "privacy": "x"})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.get_json()["errors"]} == {"title", "privacy"}


def test_a_taken_id_is_a_conflict(demo: World) -> None:
    assert demo.caller("eve", "umbrella").post("/api/streams", {"id": "demo", "title": "a"}).status_code == 409


@pytest.mark.parametrize("mount", ["/api/v1", "/api", ""])
def test_a_stream_is_read_below_every_mount(demo: World, mount: str) -> None:
    assert demo.caller("ann").get(f"{mount}/streams/demo/").get_json()["id"] == "demo"


def test_the_key_is_shown_to_the_owner_an_operator_and_an_admin_only(demo: World) -> None:
    seen = {
        "owner": demo.caller("ann"),
        "operator": demo.caller("bob", "acme", "operator"),
        "admin": demo.caller("root", "anything", "admin"),
    }
    for who, caller in seen.items():
        assert "stream_key" in caller.get("/api/streams/demo").get_json(), who
    colleague = demo.caller("carl").get("/api/streams/demo")
    assert colleague.status_code == 200 and "stream_key" not in colleague.get_json()
    assert all("stream_key" not in row for row in demo.caller("carl").get("/api/streams").get_json())


def test_another_tenant_sees_nothing_and_may_do_nothing(demo: World) -> None:
    demo.show_live("demo")
    eve = demo.caller("eve", "umbrella", "operator")
    assert eve.get("/api/streams").get_json() == []
    refused = [
        eve.get("/api/streams/demo"),
        eve.patch("/api/streams/demo", {"title": "mine"}),
        eve.delete("/api/streams/demo"),
        eve.post("/api/streams/demo/start"),
        eve.post("/api/streams/demo/key"),
        eve.post("/api/streaming/stop/demo"),
        eve.get("/api/streaming/health/demo"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 7
    assert demo.caller("root", "x", "admin").get("/api/streams").get_json()[0]["id"] == "demo"


def test_a_colleague_without_a_role_may_look_but_not_touch(demo: World) -> None:
    carl = demo.caller("carl")
    assert carl.post("/api/streams/demo/start").status_code == 403
    assert carl.patch("/api/streams/demo", {"title": "x"}).status_code == 403
    assert demo.caller("bob", "acme", "operator").post("/api/streams/demo/start").status_code == 200


def test_nobody_without_a_token_may_do_anything(demo: World) -> None:
    nobody = demo.caller()
    assert nobody.get("/api/streams").status_code == 401
    assert nobody.post("/api/streams", {"title": "a"}).status_code == 401
    assert nobody.delete("/api/streams/demo").status_code == 401


def test_a_stream_goes_from_start_to_stop_and_wrong_moves_are_conflicts(demo: World) -> None:
    ann = demo.caller("ann")
    assert ann.post("/api/streams/demo/stop").status_code == 409
    started = ann.post("/api/streams/demo/start")
    assert started.get_json() == {
        "status": "live",
        "stream_url": "rtmp://127.0.0.1:1935/live",
        "playback_url": "http://127.0.0.1:8081/hls/demo.m3u8",
    }
    again = ann.post("/api/streams/demo/start")
    assert (again.status_code, again.content_type) == (409, "application/problem+json")
    assert ann.delete("/api/streams/demo").status_code == 409
    assert ann.post("/api/streams/demo/stop").get_json() == {"status": "ended"}
    assert ann.get("/api/streams?status=ended").get_json()[0]["id"] == "demo"
    assert ann.delete("/api/streams/demo").status_code == 204
    assert ann.get("/api/streams/demo").status_code == 404


def test_commands_are_counted_by_result(demo: World) -> None:
    ann = demo.caller("ann")
    ann.post("/api/streams/demo/stop")
    ann.post("/api/streams/demo/start")
    commands = demo.services.telemetry.commands
    assert commands.get("stream_stop", "refused") == 1
    assert commands.get("stream_start", "ok") == 1


def test_a_change_takes_camel_case_and_cancelling(demo: World) -> None:
    ann = demo.caller("ann")
    changed = ann.patch("/api/streams/demo", {"title": "Other", "chatEnabled": False}).get_json()
    assert (changed["title"], changed["slug"], changed["chat_enabled"]) == ("Other", "other", False)
    whole = {**changed, "title": "Whole"}
    assert ann.patch("/api/streams/demo", whole).get_json()["title"] == "Whole"
    assert ann.patch("/api/streams/demo", {"status": "live"}).status_code == 409
    assert ann.patch("/api/streams/demo", {"status": "cancelled"}).get_json()["status"] == "cancelled"
    assert ann.post("/api/streams/demo/start").status_code == 409


def test_a_key_is_rotated_and_the_old_one_refused(demo: World) -> None:
    ann, ours = demo.caller("ann"), demo.internal()
    old = ann.get("/api/streams/demo").get_json()["stream_key"]
    new = ann.post("/api/streams/demo/key").get_json()["stream_key"]
    assert new != old
    assert ours.post("/internal/publish", {"key": old}).status_code == 404
    assert ours.post("/internal/publish", {"key": new}).get_json() == {"stream": "demo"}


def test_pages_are_linked(one: World) -> None:
    ann = one.caller("ann")
    for number in range(5):
        ann.post("/api/streams", {"id": f"s{number}", "title": "a"})
    seen, path, pages = [], "/api/streams?limit=2&status=scheduled", 0
    while path:
        answer = ann.get(path)
        seen += [row["id"] for row in answer.get_json()]
        link = re.fullmatch(r'<(.*)>; rel="next"', answer.headers.get("Link", ""))
        path, pages = link[1] if link else "", pages + 1
    assert (seen, pages) == (["s4", "s3", "s2", "s1", "s0"], 3)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("status=on", "status"),
        ("cursor=x", "cursor"),
    ],
)
def test_a_bad_parameter_is_named(one: World, query: str, name: str) -> None:
    answer = one.caller("ann").get(f"/api/streams?{query}")
    assert (answer.status_code, answer.get_json()["parameter"]) == (400, name)


def test_a_live_stream_shows_its_present_viewers(demo: World) -> None:
    ann = demo.caller("ann")
    ann.post("/api/streams/demo/start")
    demo.show_live("demo", viewers=12)
    body = ann.get("/api/streams/demo").get_json()
    assert (body["viewer_count"], body["peak_viewers"], body["total_views"]) == (12, 17, 40)


def test_health_and_viewers_say_what_the_metrics_show(demo: World) -> None:
    ann = demo.caller("ann")
    assert ann.get("/api/streaming/health/demo").status_code == 503
    demo.show_live("demo", viewers=12, started=1_000)
    health = ann.get("/api/streaming/health/demo").get_json()
    uptime, meta = health.pop("uptime"), health.pop("meta")
    assert health == {"status": "online", "viewers": 12, "bitrate": 2000, "fps": 25}
    assert uptime == pytest.approx(demo.services.snapshots.present.taken - 1_000, abs=0.01)
    viewers = ann.get("/api/streaming/viewers/demo").get_json()
    assert (viewers.pop("meta"), viewers) == (meta, {"current": 12, "peak": 17, "total": 40})
    assert meta["stale"] is False
    demo.show_live()
    offline = ann.get("/api/streaming/health/demo").get_json()
    assert (offline["status"], "rtmp" in offline["meta"]["missing"]) == ("offline", True)
    assert ann.get("/api/streaming/health/nothing").status_code == 404


def test_streaming_start_and_stop_answer_as_the_shipped_client_reads_them(demo: World) -> None:
    ann = demo.caller("ann")
    assert ann.post("/api/streaming/start/demo").get_json() == {
        "streamId": "demo",
        "status": "live",
        "streamUrl": "rtmp://127.0.0.1:1935/live",
        "playbackUrl": "http://127.0.0.1:8081/hls/demo.m3u8",
    }
    demo.show_live("demo", viewers=10)
    assert ann.post("/api/streaming/stop/demo").get_json() == {
        "streamId": "demo",
        "status": "ended",
        "duration": 0,
        "viewerStats": {"peak": 15, "total": 40},
    }


def test_our_own_processes_need_the_internal_token(demo: World) -> None:
    key = demo.caller("ann").get("/api/streams/demo").get_json()["stream_key"]
    assert demo.caller("ann").post("/internal/publish", {"key": key}).status_code == 401
    assert demo.caller().post("/internal/publish", {"key": key}).status_code == 401
    assert demo.internal().post("/internal/publish", {"key": key}).get_json() == {"stream": "demo"}
    assert demo.internal().post("/internal/publish", {"key": "wrong"}).status_code == 404
    assert demo.internal().post("/internal/publish", {"name": "x"}).status_code == 422


def test_a_refused_key_is_not_repeated_in_the_answer(demo: World) -> None:
    answer = demo.internal().post("/internal/publish", {"key": "very-secret-key"})
    assert b"very-secret-key" not in answer.data


def test_the_list_of_streams_is_one_that_exporters_read(one: World) -> None:
    one.show_live("demo", started=1_700_000_000)
    found = parse_streams(one.internal().get("/internal/streams").data)
    assert [(stream.stream, stream.state, stream.started) for stream in found] == [("demo", "live", 1_700_000_000.0)]


def test_without_a_database_streams_are_read_but_not_made() -> None:
    bare = world(None)
    bare.show_live("demo")
    root = bare.caller("root", "x", "admin")
    assert [row["id"] for row in root.get("/api/streams?status=live").get_json()] == ["demo"]
    assert root.get("/api/streams/demo").get_json()["viewer_count"] == 10
    assert root.get("/api/streaming/health/demo").get_json()["status"] == "online"
    refused = root.post("/api/streams", {"title": "a"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")
    assert root.post("/api/streams/demo/stop").status_code == 503


def test_an_id_that_the_database_could_not_even_be_asked_for_is_unknown(one: World) -> None:
    root = one.caller("root", "x", "admin")
    assert root.get("/api/streams/%00").status_code == 404
    assert root.get("/api/analytics/alerts/%00").status_code == 404
    assert root.post("/api/analytics/alerts/%00/acknowledge").status_code == 404


def test_a_stream_that_is_published_unregistered_is_listed_while_it_is_live(demo: World) -> None:
    demo.show_live("demo", "stray")
    ann, rival, admin = demo.caller("ann", "default"), demo.caller("eve", "rival"), demo.caller("root", "acme", "admin")
    assert [one["id"] for one in ann.get("/api/streams?status=live").get_json()] == ["stray"]
    assert rival.get("/api/streams?status=live").get_json() == []
    assert {one["id"] for one in admin.get("/api/streams").get_json()} == {"demo", "stray"}
    event = ann.get("/api/streams/stray").get_json()
    assert (event["status"], event["viewer_count"], event["tenant_id"]) == ("live", 10, "default")
    assert "stream_key" not in event and "stream_key" not in admin.get("/api/streams/stray").get_json()
    assert rival.get("/api/streams/stray").status_code == 403
    for answer in (admin.post("/api/streams/stray/stop"), admin.delete("/api/streams/stray")):
        assert (answer.status_code, "not registered" in answer.get_json()["detail"]) == (409, True)
    demo.show_live("demo")
    assert ann.get("/api/streams").get_json() == []
    assert ann.get("/api/streams/stray").status_code == 404
