"""A publisher that stops is told from Prometheus to the app, once, and its return closes the alert."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.e2e.players import WirePlayer
from tests.servers import instant, wait_until
from tests.stacks import Running

pytestmark = pytest.mark.live
FIRING = 'ALERTS{{alertstate="firing",stream="{stream}"}}'


def firing(local: Running) -> set[str]:
    """What fires for the stream in Prometheus."""
    query = FIRING.format(stream=local.config.stream)
    return {labels["alertname"] for labels, _ in instant(local.prometheus, query)}


def app_alerts(local: Running, status: str) -> dict[str, dict[str, Any]]:
    """What the app shows for the stream, by type."""
    address = local.http(f"/api/v1/analytics/alerts/{local.config.stream}?status={status}")
    return {one["type"]: one for one in requests.get(address, timeout=5).json()}


def test_a_publisher_that_stops_is_an_alert_in_the_app_until_it_returns(local: Running) -> None:
    prometheus = local.prometheus
    up = f'stream:livestream_rtmp_stream_up:max{{stream="{local.config.stream}"}}'
    watching = f'stream:livestream_viewer_concurrent:sum{{stream="{local.config.stream}"}} > 0'
    wait_until(lambda: [value for _, value in instant(prometheus, up)] == [1.0], "the stream", 60)
    player = WirePlayer(local.config, 7)
    try:
        wait_until(lambda: instant(prometheus, watching), "a viewer", 30)
        local.control("stop", "publisher")
        wait_until(lambda: "StreamIngestLost" in firing(local), "the alert in Prometheus", 60)
        raised = wait_until(lambda: app_alerts(local, "open").get("StreamIngestLost"), "the alert in the app", 30)
        assert raised["severity"] == "critical" and raised["acknowledged"] is False
        assert local.config.stream in raised["message"]

        wait_until(lambda: "PlaylistStale" in firing(local), "the playlist's alert in Prometheus", 60)
        address = local.http(f"/api/v1/analytics/alerts/{raised['id']}/acknowledge")
        assert requests.post(address, timeout=5).json()["acknowledged"] is True
        assert set(app_alerts(local, "open")) == {"StreamIngestLost"}, "what follows from it is silenced"
        assert app_alerts(local, "open")["StreamIngestLost"]["acknowledged"] is True

        local.control("start", "publisher")
        wait_until(lambda: not app_alerts(local, "open"), "the end of the alert in the app", 90)
        closed = app_alerts(local, "closed")["StreamIngestLost"]
        assert closed["id"] == raised["id"] and closed["acknowledged"] is True
    finally:
        player.stop()
