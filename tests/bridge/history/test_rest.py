"""Tests of what history answers, over a real database of each edition."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bridge.history.made import NOON, broadcast, event, session, sketch
from tests.bridge.history.world import DAY, World, at, shown, steady


@pytest.fixture
def world(url: str, tmp_path: Path) -> Iterator[World]:
    made = World(url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def one_world(one_url: str, tmp_path: Path) -> Iterator[World]:
    """A world whose answers do not depend on the edition."""
    made = World(one_url, tmp_path)
    yield made
    made.close()


def test_totals_equal_the_broadcast_totals_exactly(world: World) -> None:
    world.record(*(session(number, watch_seconds=90.1 + number / 10) for number in range(1, 4)))
    world.record(event(1), event(2, user_id="bob"), broadcast(watch_seconds=90.2 + 90.3 + 90.4, peak_concurrent=3))
    body = world.get("comprehensive/demo")
    overview = body["overview"]
    assert overview["totalViewers"] == 3
    assert overview["averageViewTime"] == 90.3
    assert overview["bufferingEvents"] == 3
    assert overview["peakViewers"] == 3
    assert overview["chatMessages"] == 2
    assert (overview["startTime"], overview["endTime"]) == ("2026-11-20T12:00:00.000Z", "2026-11-20T13:00:00.000Z")
    assert overview["averageBitrate"] == 2000
    summary = world.get("summary", period="month")
    assert (summary["totalViews"], summary["totalWatchTime"]) == (3, 270.9)


def test_a_stream_is_shown_comprehensively(world: World) -> None:
    world.register("demo", title="Demo day")
    world.record(
        session(1, engagements={"chat_message": 1, "follow": 1}, chat_messages=1),
        session(2, country="FR", region="", city="", device="tv", variant="1080p"),
        event(1, data={"username": "Ada"}),
        event(2, event="donation", amount=25.0, data={}),
        event(3, event="donation", amount=5.0, currency="EUR"),
        event(4, event="subscription", amount=4.99, data={"action": "renewal"}),
        event(5, event="reaction", data={"emote": "heart"}),
        event(6, event="other", data={"eventType": "ban"}),
        event(7, event="follow"),
        sketch(["a", "b"]),
        sketch(["ada"], window="chat"),
        sketch(["a"], time=at(NOON, days=-5)),
    )
    world.minutes(
        {
            **steady("demo", NOON, 60, 10.0),
            "minute_edge_ttfb": {"demo": {int(NOON.timestamp()): 0.025}},
            "minute_dropped_frames": {"demo": {int(NOON.timestamp()): 7.0}},
        }
    )
    dates = {"start": DAY.isoformat(), "end": (DAY + timedelta(days=1)).isoformat()}
    body = world.get("comprehensive/demo", filter=json.dumps({"dateRange": dates}))
    overview = body["overview"]
    assert overview["title"] == "Demo day"
    assert overview["duration"] == 3600
    assert overview["uniqueViewers"] == 2
    assert overview["returningViewers"] == 1
    assert overview["viewersByCountry"] == {"Germany": 1, "France": 1}
    assert overview["viewersByRegion"] == {"Berlin": 1, "France": 1}
    assert overview["qualityDistribution"] == {"720p": 1, "1080p": 1}
    assert overview["deviceTypes"] == {"desktop": 1, "smart tv": 1}
    assert overview["averageLatency"] == 25
    assert overview["peakConcurrentChat"] == 1
    assert overview["averageEngagementRate"] == 50
    assert body["revenue"]["totalRevenue"] == 29.99
    assert body["revenue"]["donations"] == {"total": 25, "count": 2, "averageAmount": 12.5, "topDonation": 25}
    assert body["revenue"]["subscriptions"] == {"total": 4.99, "newSubs": 0, "renewals": 1, "cancellations": 0}
    assert body["chat"]["topChatters"] == [{"username": "Ada", "messageCount": 1, "userId": "ada"}]
    assert body["chat"]["emotesUsed"] == [{"emote": "heart", "count": 1}]
    assert body["chat"]["moderationActions"]["bans"] == 1
    assert body["chat"]["activeUsers"] == 1
    assert body["audience"]["behavior"]["peakViewingHours"] == [{"hour": 12, "viewers": 10}]
    assert body["audience"]["engagement"]["followConversionRate"] == 50
    assert body["performance"]["technicalMetrics"]["frameDrops"] == 7
    assert body["realTime"]["meta"]["missing"] == ["rtmp", "hls", "cdn", "viewers"]
    assert {"ageGroups", "genders", "sentiment"} <= set(body["meta"]["missing"])


def test_a_filter_narrows_sessions(world: World) -> None:
    world.record(
        session(1),
        session(2, country="FR", region="Bretagne"),
        session(3, country="FR", device="mobile"),
        session(4, country="FR", device="mobile", variant="1080p"),
    )

    def plays(**chosen: list[str]) -> int:
        body = world.get("historical/all", filter=json.dumps(chosen))
        return int(body["aggregated"]["totalViews"])

    assert plays() == 4
    assert plays(regions=["France"]) == 3
    assert plays(regions=["fr"], devices=["mobile"]) == 2
    assert plays(regions=["Bretagne"]) == 1
    assert plays(qualities=["1080p"], devices=["Mobile"]) == 1
    assert plays(streamIds=["demo"]) == 4
    assert "browsers" in world.get("comprehensive/demo", filter=json.dumps({"devices": ["tv"]}))["meta"]["missing"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", {"2026-11-20": 3, "2026-11-21": 1}),
        ("Europe/Berlin", {"2026-11-20": 2, "2026-11-21": 2}),
        ("Asia/Kolkata", {"2026-11-20": 1, "2026-11-21": 3}),
        ("America/New_York", {"2026-11-20": 4, "2026-11-21": 0}),
    ],
)
def test_days_are_cut_in_the_asked_time_zone(world: World, zone: str, expected: dict[str, int]) -> None:
    world.now = NOON + timedelta(days=1)
    times = [at(NOON), at(DAY, hours=18, minutes=30), at(DAY, hours=23), at(DAY, hours=25)]
    world.record(*(session(number, joined=one, left=one + 5) for number, one in enumerate(times)))
    world.minutes(steady("demo", DAY + timedelta(hours=18), 60, 5.0))
    days = world.get("viewership", days=2, timezone=zone)["days"]
    assert {day["date"]: day["views"] for day in days} == expected
    summed = world.get("summary", startDate="2026-11-21", endDate="2026-11-21", timezone=zone)
    assert summed["totalViews"] == expected["2026-11-21"]
    split = world.get("devices", startDate="2026-11-21", endDate="2026-11-21", timezone=zone)["devices"]
    assert sum(split.values()) == expected["2026-11-21"]


def test_growth_is_against_the_period_of_the_same_length_before(world: World) -> None:
    world.record(session(1), session(2), session(3))
    before = at(NOON, days=-7)
    world.record(session(4, joined=before, left=before + 9), session(5, joined=before + 1, left=before + 9))
    body = world.get("summary", period="week")
    assert body["totalViews"] == 3
    assert body["growth"]["views"] == 50


def test_trends_have_every_day_in_both_spellings(world: World) -> None:
    world.record(session(1), event(1), event(2, event="donation", amount=10), sketch(["a", "b", "c"]))
    chosen = {"dateRange": {"start": "2026-11-18", "end": "2026-11-20"}}
    trends = world.get("historical/all", filter=json.dumps(chosen))["trends"]
    assert shown(trends["viewershipTrend"], "date", "viewers", "uniqueViewers") == [
        ("2026-11-18", 0, 0),
        ("2026-11-19", 0, 0),
        ("2026-11-20", 1, 3),
    ]
    assert shown(trends["viewersTrend"][2:], "timestamp", "value") == [("2026-11-20T00:00:00.000Z", 1)]
    assert shown(trends["revenueTrend"][2:], "date", "revenue", "donations", "value") == [("2026-11-20", 10, 10, 10)]
    assert shown(trends["engagementTrend"][2:], "date", "chatMessages", "avgEngagement") == [("2026-11-20", 1, 0)]


def test_sessions_are_paged_newest_first(world: World) -> None:
    world.record(*(session(number, joined=at(NOON, seconds=100 * number)) for number in range(30)))
    seen = []
    for page in (1, 2, 3):
        body = world.get("streams/demo/sessions", page=page, limit=12)
        assert (body["total"], body["hasMore"]) == (30, page < 3)
        seen += [int(one["sessionId"], 16) for one in body["sessions"]]
    assert seen == list(range(29, -1, -1))
    one = world.get("streams/demo/sessions", limit=1)["sessions"][0]
    assert one["ipAddress"] == "203.0.113.0"
    assert (one["country"], one["device"], one["quality"], one["watchTime"]) == ("DE", "desktop", "720p", 90.25)


def test_the_course_of_the_last_broadcast(world: World) -> None:
    minutes = steady("demo", NOON, 10, 4.0)
    minutes["minute_rebuffers"] = {"demo": {int(NOON.timestamp()) + 60: 2.0}}
    minutes["minute_switches"] = {"demo": {int(NOON.timestamp()): 3.0}}
    world.minutes(minutes)
    world.record(event(1), event(2), event(3, time=at(NOON, minutes=6)))
    points = world.get("streams/demo/engagement", interval="5m")
    assert points == [
        {
            "timestamp": "2026-11-20T12:00:00.000Z",
            "viewers": 4,
            "chatMessages": 2,
            "qualityChanges": 3,
            "bufferingEvents": 2,
        },
        {
            "timestamp": "2026-11-20T12:05:00.000Z",
            "viewers": 4,
            "chatMessages": 1,
            "qualityChanges": 0,
            "bufferingEvents": 0,
        },
    ]


def test_the_peak_of_several_streams_is_of_their_sum(world: World) -> None:
    world.minutes(steady("one", NOON, 10, 100.0))
    world.minutes(steady("two", NOON + timedelta(minutes=5), 10, 50.0))
    both = world.get("overview", streamIds="one,two", startDate="2026-11-20")
    assert both["peak_viewers"] == 150
    assert world.get("overview", streamIds="two", startDate="2026-11-20")["peak_viewers"] == 51


def test_top_streams_by_each_metric(world: World) -> None:
    world.record(
        *(session(number, stream="many", watch_seconds=1.0) for number in range(3)),
        session(10, stream="long", watch_seconds=500.0),
        session(11, stream="lively", watch_seconds=2.0, engagements={"like": 1}),
    )

    def best(metric: str) -> str:
        return str(world.get("top-streams", metric=metric, limit=1)[0]["streamId"])

    assert (best("viewers"), best("duration"), best("engagement")) == ("many", "long", "lively")


def test_places_have_coordinates(world: World) -> None:
    world.record(session(1), session(2, country="FR", region="", city=""), session(3, country="ZZ", region="", city=""))
    body = world.get("geographic", streamId="demo")
    assert body["countries"]["Germany"] == {"count": 1, "lat": 52.5, "lng": 13.3667}
    assert body["countries"]["Unknown"] == {"count": 1, "lat": 0, "lng": 0}
    assert body["cities"] == {"Berlin": {"count": 1, "lat": 52.5, "lng": 13.3667}}


@pytest.mark.parametrize(
    ("start", "end", "plays", "messages"),
    [
        ("2026-10-01", "2026-11-30", 4, 4),
        ("2026-10-02", "2026-11-30", 3, 3),
        ("2026-09-15", "2026-10-31", 2, 2),
        ("2026-10-01", "2026-11-20", 4, 4),
        ("2026-10-31", "2026-11-01", 2, 2),
        ("2026-11-01", "2026-11-20", 2, 2),  # nothing is stored after: the running month counts as whole
        ("2026-11-01", "2026-11-19", 1, 1),
    ],
)
def test_whole_months_and_days_around_them_add_up(
    one_world: World, start: str, end: str, plays: int, messages: int
) -> None:
    days = (timedelta(days=-50), timedelta(days=-20), timedelta(days=-19), timedelta())
    times = [at(NOON + moved) for moved in days]  # October 1 and 31, November 1 and 20
    one_world.record(*(session(number, joined=one, left=one + 5) for number, one in enumerate(times)))
    one_world.record(*(event(number, time=one) for number, one in enumerate(times)))
    one_world.record(*(sketch([f"viewer {number}"], time=one) for number, one in enumerate(times)))
    chosen = {"dateRange": {"start": start, "end": end}}
    body = one_world.get("comprehensive/demo", filter=json.dumps(chosen))
    assert body["overview"]["deviceTypes"] == {"desktop": plays}
    assert (body["overview"]["totalViewers"], body["overview"]["uniqueViewers"]) == (plays, plays)
    assert body["chat"]["topChatters"][0]["messageCount"] == messages


def test_small_aggregates(world: World) -> None:
    world.record(session(1), session(2, device="mobile", browser="Safari"), event(1, event="tip", amount=3.5))
    world.minutes(steady("demo", NOON, 30, 2.0))
    overview = world.get("overview")
    assert (overview["total_views"], overview["total_streams"], overview["total_revenue"]) == (2, 1, 3.5)
    assert overview["avg_watch_time"] == 90.25
    assert world.get("audience")["devices"] == {"desktop": 50, "mobile": 50}
    performance = world.get("performance/summary")
    assert (performance["average_bitrate"], performance["startup_time"], performance["uptime"]) == (2000, 1.5, 100)
    revenue = world.get("revenue/breakdown", period="today")
    assert (revenue["tips"], revenue["days"]) == (3.5, [{"date": "2026-11-20", "revenue": 3.5}])


def test_every_mount_and_a_trailing_slash_answer(one_world: World) -> None:
    for mount in ("/api/v1", "/api", ""):
        assert one_world.client.get(f"{mount}/analytics/overview/").status_code == 200


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("summary?period=eon", "period"),
        ("summary?startDate=yesterday", "startDate"),
        ("summary?startDate=2026-11-20&endDate=2026-11-01", "startDate"),
        ("summary?startDate=1999-01-01&endDate=2026-01-01", "startDate"),
        ("summary?timezone=Mars", "timezone"),
        ("summary?timezone=../../etc/passwd", "timezone"),
        ("top-streams?metric=luck", "metric"),
        ("top-streams?limit=0", "limit"),
        ("viewership?days=x", "days"),
        ("export?format=exe", "format"),
        ("historical/all?filter={", "filter"),
        ("historical/all?filter=[]", "filter"),
        ('historical/all?filter={"dateRange":1}', "filter"),
        ('historical/all?filter={"devices":[1]}', "devices"),
        ('historical/all?filter={"streamIds":["@"]}', "streamIds"),
    ],
)
def test_a_bad_parameter_is_named(one_world: World, path: str, parameter: str) -> None:
    answer = one_world.client.get(f"/api/v1/analytics/{path}")
    assert answer.status_code == 400
    assert answer.get_json()["parameter"] == parameter


def test_unknown_streams_and_channels_are_404(one_world: World) -> None:
    assert one_world.client.get("/analytics/historical/nobody").status_code == 404
    assert one_world.client.get("/analytics/comprehensive/nobody").status_code in (404, 503)


def test_a_channel_is_its_streams(world: World) -> None:
    world.register("one", "sports")
    world.register("two", "news")
    world.record(session(1, stream="one"), session(2, stream="two"), session(3, stream="two"))
    body = world.get("historical/news")
    assert shown(body["streams"], "streamId") == [("two",)]
    assert body["aggregated"]["totalViews"] == 2
    assert world.get("historical/one")["total"] == 1


def test_history_says_how_far_it_reaches(world: World) -> None:
    world.minutes(steady("demo", NOON, 1, 1.0))
    world.now += timedelta(minutes=10)
    meta = world.get("overview")["meta"]
    assert (meta["asOf"], meta["ageSeconds"], meta["stale"]) == ("2026-11-20T14:00:00.000Z", 600, True)


@pytest.mark.parametrize("path", ["comprehensive/{}", "historical/{}", "streams/{}/sessions", "goals/{}"])
def test_a_name_that_no_stream_can_have_is_not_found(one_world: World, path: str) -> None:
    answer = one_world.client.get(f"/api/v1/analytics/{path.format('%00')}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
