"""Every panel, variable and catalogue query on the real stack: answered without warnings, empty only for cause."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dashboards.pages import PAGES
from prometheus import queries
from tests.dashboards.built import every_panel
from tests.e2e.players import WirePlayer
from tests.servers import wait_until
from tests.stacks import Running

pytestmark = pytest.mark.live
WINDOWS = {"$__rate_interval": "20s", "$__range": "5m", "$__interval": "15s"}
MAY_BE_EMPTY = {
    "livestream-fleet: Firing alerts": "all is well",
    "livestream-fleet: Viewers, now and a week ago": "the stack is younger than a week",
    "livestream-ingest: Keyframe interval": "nginx-rtmp does not know it",
    "livestream-edge: Paths without a stream": "every path has one",
    "livestream-audience: Start failures": "nobody starts just now",
    "livestream-audience: Left before start": "nobody starts just now",
    "livestream-audience: Startup p95": "nobody starts just now",
    "livestream-audience: Startup": "nobody starts just now",
    "livestream-audience: Live latency p50": "CMCD version 1 does not report it",
    "livestream-audience: Live latency": "CMCD version 1 does not report it",
    "livestream-audience: Player errors": "no player fails",
    "livestream-audience: Worst streams": "nobody starts just now",
    "livestream-audience: Reports refused": "none is refused",
    "livestream-audience: Report delay": "records of the log have none",
    "livestream-stream: Alerts": "all is well",
    "livestream-stream: Stalled and failed": "nobody starts just now",
    "livestream-stream: Startup and distance behind live": "CMCD version 1, and playlists without program dates",
    "livestream-bridge: Requests": "nobody asks just now",
    "livestream-bridge: Requests by route": "nobody asks just now",
    "livestream-bridge: Duration": "nobody asks just now",
    "livestream-bridge: Failed requests": "nobody asks just now",
    "livestream-bridge: Errors by route": "no request fails",
    "livestream-bridge: Opened and closed": "no WebSocket was opened yet",
    "livestream-bridge: Messages": "no WebSocket was opened yet",
    "livestream-bridge: Bytes": "no WebSocket was opened yet",
    "livestream-bridge: Dropped": "nobody is slow",
    "livestream-bridge: Time to the last socket": "no WebSocket was opened yet",
    "livestream-slo: Budget alerts": "all is well",
    "catalogue: live_edge_latency": "nginx-rtmp writes no program dates",
    "catalogue: live_latency_p50": "CMCD version 1 does not report it",
    "catalogue: startup_p50": "nobody starts just now",
    "catalogue: startup_p95": "nobody starts just now",
}
"""What is empty on a young stack with one viewer and no fault, and why."""


def get(local: Running, path: str, parameters: dict[str, str]) -> Any:
    """The data of an answer that is 200 and warns of nothing."""
    address = local.config.url(local.config.prometheus_port, f"/api/v1/{path}")
    answer = requests.get(address, params=parameters, timeout=20)
    content = answer.json()
    if answer.status_code != 200 or content.get("warnings"):
        pytest.fail(f"{parameters}: {content}")
    return content["data"]


def filled_in(expr: str, stream: str) -> str:
    """A dashboard's query as Grafana sends it for the stream and everything else."""
    for name, value in WINDOWS.items():
        expr = expr.replace(name, value)
    expr = expr.replace('stream=~"$stream"', f'stream=~"{stream}"')
    for variable in ("region", "server", "endpoint", "cdn", "pop", "slo"):
        expr = expr.replace(f'"${variable}"', '".*"')
    return expr


def empty(local: Running) -> Iterator[str]:
    """What shows nothing, by name."""
    for name, panel in every_panel():
        for target in panel["targets"]:
            if not get(local, "query", {"query": filled_in(target["expr"], local.config.stream)})["result"]:
                yield name
    for query in queries.SNAPSHOT:
        if not get(local, "query", {"query": query.promql})["result"]:
            yield f"catalogue: {query.name}"
    for page in PAGES:
        for variable in page.variables:
            if variable.kind != "text":
                selector, _, label = variable.query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
                if not get(local, f"label/{label}/values", {"match[]": selector}):
                    yield f"{page.uid}: ${variable.name}"


def test_dashboards_and_catalogue_show_real_numbers(local: Running) -> None:
    playlist = local.config.url(local.config.edge_port, f"/hls/{local.config.stream}_240p/index.m3u8")
    wait_until(lambda: requests.get(playlist, timeout=5).text.count("#EXTINF") >= 3, "a playlist to play from", 60)
    player = WirePlayer(local.config, 400)
    try:

        def all_is_shown() -> bool:
            unexplained = sorted(set(empty(local)) - set(MAY_BE_EMPTY))
            assert unexplained == []
            return True

        # The slowest rules, those over 30 days, are evaluated every 2 minutes.
        wait_until(all_is_shown, "every panel to show something", 180, every=3)
    finally:
        player.stop()
