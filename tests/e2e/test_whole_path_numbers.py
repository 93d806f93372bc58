"""The console, REST and the dashboards say the same number at the same instant, while viewers come and go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, expect

from tests.dashboards.built import DASHBOARDS, UIDS, panels
from tests.e2e.players import WirePlayer
from tests.servers import wait_until
from tests.stacks import Running

pytestmark = [pytest.mark.live, pytest.mark.browser]
PATIENCE_MS = 30_000


def dashboard_query(uid: str, title: str, stream: str) -> str:
    """A panel's first query as Grafana sends it for the stream."""
    panel = next(one for one in panels(DASHBOARDS[UIDS.index(uid)]) if one["title"] == title)
    return str(panel["targets"][0]["expr"]).replace("$stream", stream)


def value_at(local: Running, promql: str, instant: float) -> float:
    """What Prometheus gives for an instant; 0 where it has no series."""
    address = local.config.url(local.config.prometheus_port, "/api/v1/query")
    rows = requests.get(address, params={"query": promql, "time": instant}, timeout=5).json()["data"]["result"]
    return float(rows[0]["value"][1]) if rows else 0.0


def rest(local: Running) -> dict[str, Any]:
    return dict(requests.get(local.http(f"/api/v1/analytics/real-time/{local.config.stream}"), timeout=5).json())


def test_console_rest_and_dashboards_show_the_same_viewers(local: Running, browser: Browser) -> None:
    fleet = dashboard_query("livestream-fleet", "Viewers", local.config.stream)
    drill_down = dashboard_query("livestream-stream", "Viewers", local.config.stream)
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.goto(local.http("/"))
    shown = page.locator(f'tr[data-stream="{local.config.stream}"] [data-name=currentViewers]')
    seen: dict[float, int] = {}
    playlist = local.config.url(local.config.edge_port, f"/hls/{local.config.stream}_240p/index.m3u8")
    wait_until(lambda: requests.get(playlist, timeout=5).text.count("#EXTINF") >= 3, "a playlist to play from", 60)
    players = [WirePlayer(local.config, seed) for seed in (300, 301, 302)]

    def all_say(count: int) -> bool:
        answer = rest(local)
        instant = datetime.fromisoformat(answer["meta"]["asOf"]).timestamp()
        seen[instant] = answer["currentViewers"]
        return bool(answer["currentViewers"] == count == value_at(local, fleet, instant))

    try:
        wait_until(lambda: all_say(3), "three viewers by REST and on the fleet dashboard", 30)
        expect(shown).to_have_text("3", timeout=PATIENCE_MS)
        expect(page.locator("[data-name=totalViewers]")).to_have_text("3", timeout=PATIENCE_MS)
        players.pop().stop()
        wait_until(lambda: all_say(2), "two viewers by REST and on the fleet dashboard", 30)
        expect(shown).to_have_text("2", timeout=PATIENCE_MS)
    finally:
        for player in players:
            player.stop()
        page.context.close()
    assert {2, 3} <= set(seen.values())
    told = {instant: (value_at(local, fleet, instant), value_at(local, drill_down, instant)) for instant in seen}
    assert told == {instant: (count, count) for instant, count in seen.items()}
