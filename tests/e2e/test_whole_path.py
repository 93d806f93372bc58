"""From encoder to WebSocket on the real parts: players come and go, and the number follows exactly."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Browser

from tests.e2e.listening import Listening
from tests.e2e.players import WirePlayer, player_address, player_site
from tests.servers import instant, wait_until
from tests.stacks import Running

pytestmark = [pytest.mark.live, pytest.mark.browser]


def test_the_test_picture_is_live_everywhere(local: Running) -> None:
    config = local.config
    streams = wait_until(
        lambda: requests.get(local.http("/api/streams?status=live"), timeout=5).json(), "the stream to be listed"
    )
    assert [stream["id"] for stream in streams] == [config.stream]
    prometheus = config.url(config.prometheus_port)
    wait_until(lambda: instant(prometheus, "livestream_hls_up == 1"), "fresh playlists", 60)
    up = instant(prometheus, f'stream:livestream_rtmp_stream_up:max{{stream="{config.stream}"}}')
    assert [value for _, value in up] == [1.0]
    assert requests.get(local.http("/readyz"), timeout=5).json()["ready"] is True
    assert requests.get(local.http("/healthz"), timeout=5).status_code == 200


def test_the_number_on_the_websocket_follows_players_that_come_and_go(local: Running, browser: Browser) -> None:
    config = local.config
    playlist = config.url(config.edge_port, f"/hls/{config.stream}_240p/index.m3u8")
    wait_until(lambda: requests.get(playlist, timeout=5).text.count("#EXTINF") >= 3, "a playlist to play from", 60)
    with (
        player_site() as site,
        Listening(local.websocket(f"/api/ws/streams/{config.stream}/metrics")) as stream,
        Listening(local.websocket("/api/ws/analytics/realtime")) as platform,
    ):
        wait_until(lambda: stream.viewers() == 0, "nobody watching", 60)
        views_before = stream.newest["data"]["totalViews"]
        context = browser.new_context()
        players = [WirePlayer(config, seed) for seed in range(3)]
        pages = [context.new_page() for _ in range(2)]
        for number, page in enumerate(pages):
            page.goto(player_address(site, config, f"browser-{number}"))
        wait_until(lambda: stream.viewers() == 5, "five viewers", 20)
        wait_until(lambda: platform.viewers() == 5, "five viewers on the platform", 10)
        # A viewer counts from the first request, a view from the first frame.
        wait_until(lambda: stream.newest["data"]["totalViews"] == views_before + 5, "five views", 20)
        pages[0].close()
        players.pop().stop()
        wait_until(lambda: stream.viewers() == 3, "three viewers", 30)
        context.close()
        for player in players:
            player.stop()
        wait_until(lambda: stream.viewers() == 0, "nobody watching again", 30)
        numbers = stream.newest["data"]
        assert numbers["peakViewers"] == 5
        assert numbers["totalViews"] == views_before + 5
        counts = [message["data"]["currentViewers"] for message in stream.all if message["type"] == "metrics"]
        assert max(counts) == 5


def test_rest_websocket_and_prometheus_say_the_same(local: Running) -> None:
    config = local.config
    player = WirePlayer(config, 42)
    address = local.http(f"/api/v1/analytics/real-time/{config.stream}")
    try:
        with Listening(local.websocket(f"/api/ws/streams/{config.stream}/metrics")) as stream:
            wait_until(lambda: stream.viewers() == 1, "one viewer on the WebSocket", 20)
            body = wait_until(
                lambda: (now := requests.get(address, timeout=5).json())["currentViewers"] == 1 and now,
                "the same by REST",
            )
        assert body["meta"]["stale"] is False
        assert body["meta"]["missing"] == []
        assert sum(body["deviceDistribution"].values()) == 1
        assert sum(body["geographicDistribution"].values()) == 1
        assert sum(body["qualityDistribution"].values()) == 1
        assert len(body["viewersOverTime"]) >= 24
        metrics = requests.get(local.http(f"/api/v1/analytics/streams/{config.stream}/metrics"), timeout=5).json()
        assert metrics["streamId"] == config.stream
        assert metrics["status"] == "live"
        recorded = instant(config.url(config.prometheus_port), "stream:livestream_viewer_concurrent:sum")
        assert [value for labels, value in recorded if labels["stream"] == config.stream] == [1.0]
    finally:
        player.stop()


def test_the_stream_key_shows_nowhere(local: Running) -> None:
    config = local.config
    key = requests.get(local.http(f"/api/streams/{config.stream}"), timeout=5).json()["stream_key"]
    pages = [
        config.url(config.origin_port, "/stat"),
        config.url(config.rtmp_metrics_port, "/metrics"),
        config.url(config.rtmp_metrics_port, "/streams"),
        config.url(config.edge_port, f"/hls/{config.stream}.m3u8"),
    ]
    for page in pages:
        assert key not in requests.get(page, timeout=5).text, page
    paths = [str(path) for path in config.var.glob("media/**/*")]
    assert paths
    assert not [path for path in paths if key in path]
    logs = [path for path in config.var.glob("log/*") if key in path.read_text(errors="replace")]
    assert logs == []
