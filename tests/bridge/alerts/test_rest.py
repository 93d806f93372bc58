"""The routes of alerts, and a real Alertmanager that tells of one and of its end."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from bridge.database import Database
from tests import servers
from tests.bridge.streams.world import INTERNAL, World, world
from tests.servers import wait_until

pytestmark = pytest.mark.live


@pytest.fixture
def one(database: Database) -> World:
    found = world(database)
    found.services.registry.create({"id": "demo", "title": "Demo", "channel_id": "ch-1"}, "acme", "ann")
    return found


def notification(status: str = "firing", **labels: str) -> dict[str, Any]:
    """What Alertmanager posts of one alert."""
    return {
        "version": "4",
        "status": status,
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "StreamIngestLost", "severity": "critical", **labels},
                "annotations": {
                    "summary": "A stream is lost",
                    "description": "demo is not published any more",
                    "runbook_url": "https://runbook/#x",
                },
                "startsAt": "2026-11-23T18:00:00.5Z",
                "endsAt": "2026-11-23T18:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus/graph",
                "fingerprint": "f-" + "-".join(labels.values()),
            }
        ],
    }


def test_an_alert_is_told_read_acknowledged_and_closed(one: World) -> None:
    ann = one.caller("ann")
    assert one.internal().post("/internal/alerts", notification(stream="demo")).get_json() == {"taken": 1}
    (alert,) = ann.get("/api/v1/analytics/alerts/ch-1").get_json()
    alert_id = alert.pop("id")
    assert alert == {
        "type": "StreamIngestLost",
        "title": "A stream is lost",
        "message": "demo is not published any more",
        "timestamp": "2026-11-23T18:00:00.500Z",
        "acknowledged": False,
        "severity": "critical",
        "data": {
            "labels": {"alertname": "StreamIngestLost", "severity": "critical", "stream": "demo"},
            "runbookUrl": "https://runbook/#x",
            "dashboardUrl": "",
            "sourceUrl": "http://prometheus/graph",
        },
        "status": "open",
        "streamId": "demo",
    }
    acknowledged = ann.post(f"/api/v1/analytics/alerts/{alert_id}/acknowledge").get_json()
    assert (acknowledged["id"], acknowledged["acknowledged"]) == (alert_id, True)
    one.internal().post("/internal/alerts", notification(stream="demo"))
    assert ann.get("/api/v1/analytics/alerts/demo").get_json()[0]["acknowledged"] is True
    one.internal().post("/internal/alerts", notification("resolved", stream="demo"))
    assert ann.get("/api/v1/analytics/alerts/demo").get_json() == []
    (closed,) = ann.get("/api/v1/analytics/alerts/all?status=closed").get_json()
    assert (closed["id"], closed["closedAt"], closed["acknowledged"]) == (alert_id, "2026-11-23T18:05:00.000Z", True)


def test_an_acknowledgement_outlasts_the_bridge(one: World, database: Database) -> None:
    one.internal().post("/internal/alerts", notification(stream="demo"))
    alert_id = one.caller("ann").get("/api/analytics/alerts/ch-1").get_json()[0]["id"]
    one.caller("ann").post(f"/api/analytics/alerts/{alert_id}/acknowledge")
    again = world(database)
    assert again.caller("ann").get("/api/analytics/alerts/ch-1").get_json()[0]["acknowledged"] is True


def test_a_tenant_sees_its_own_alerts_and_the_platforms_are_for_admins(one: World) -> None:
    one.internal().post("/internal/alerts", notification(stream="demo"))
    one.internal().post("/internal/alerts", notification(instance="a:1"))
    ann, eve, root = one.caller("ann"), one.caller("eve", "umbrella"), one.caller("root", "x", "admin")
    assert [row.get("streamId") for row in ann.get("/api/analytics/alerts/all").get_json()] == ["demo"]
    assert eve.get("/api/analytics/alerts/all").get_json() == []
    assert eve.get("/api/analytics/alerts/demo").status_code == 403
    everything = root.get("/api/analytics/alerts/all").get_json()
    assert {row.get("streamId") for row in everything} == {"demo", None}
    for row in everything:
        assert eve.post(f"/api/analytics/alerts/{row['id']}/acknowledge").status_code == 403
    platform = next(row["id"] for row in everything if "streamId" not in row)
    assert ann.post(f"/api/analytics/alerts/{platform}/acknowledge").status_code == 403


def test_a_known_channel_without_alerts_is_empty_and_an_unknown_one_a_404(one: World) -> None:
    ann = one.caller("ann")
    assert ann.get("/api/analytics/alerts/ch-1").get_json() == []
    assert ann.get("/api/analytics/alerts/demo").get_json() == []
    assert ann.get("/api/analytics/alerts/nothing").status_code == 404
    assert ann.post("/api/analytics/alerts/nothing/acknowledge").status_code == 404
    assert ann.get("/api/analytics/alerts/ch-1?status=maybe").status_code == 400
    assert one.caller().get("/api/analytics/alerts/ch-1").status_code == 401


def test_streams_of_another_tenant_take_nobodys_channel_away(one: World) -> None:
    for number in range(8):
        stream = {"id": f"rival-{number}", "title": "Rival", "channel_id": "ch-1"}
        one.services.registry.create(stream, "rival", "eve")
    assert one.caller("ann").get("/api/analytics/alerts/ch-1").get_json() == []
    assert one.caller("zoe", "nobody").get("/api/analytics/alerts/ch-1").status_code == 403


def test_a_fault_of_many_streams_at_once_is_taken_whole(one: World) -> None:
    told = notification(stream="demo")
    alert = told["alerts"][0]
    alerts = [{**alert, "fingerprint": f"f-{number}", "generatorURL": "x" * 1_000} for number in range(1_000)]
    assert one.internal().post("/internal/alerts", {**told, "alerts": alerts}).get_json() == {"taken": 1_000}
    large = [{**one, "generatorURL": "x" * 5_000} for one in alerts]
    assert one.internal().post("/internal/alerts", {**told, "alerts": large}).status_code == 413


def test_only_who_has_the_internal_token_may_tell(one: World) -> None:
    assert one.caller("root", "x", "admin").post("/internal/alerts", notification()).status_code == 401
    assert one.caller().post("/internal/alerts", notification()).status_code == 401
    assert one.internal().post("/internal/alerts", {"alerts": 7}).status_code == 422


def test_without_a_database_alerts_are_kept_in_memory() -> None:
    bare = world(None)
    bare.internal().post("/internal/alerts", notification(stream="demo"))
    root = bare.caller("root", "x", "admin")
    (alert,) = root.get("/api/analytics/alerts/demo").get_json()
    assert root.post(f"/api/analytics/alerts/{alert['id']}/acknowledge").get_json()["acknowledged"] is True


def test_a_real_alertmanager_tells_of_an_alert_and_of_its_end(one: World, tmp_path: Path) -> None:
    server = make_server("127.0.0.1", 0, one.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = servers.free_port()
    config = tmp_path / "alertmanager.yml"
    config.write_text(
        "route: {receiver: app, group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
        "receivers:\n  - name: app\n    webhook_configs:\n"
        f"      - url: http://127.0.0.1:{server.server_port}/internal/alerts\n"
        f"        http_config: {{authorization: {{credentials: {INTERNAL}}}}}\n"
    )
    command = [
        "prometheus-alertmanager",
        f"--config.file={config}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    alert: dict[str, Any] = {"labels": {"alertname": "StreamIngestLost", "severity": "critical", "stream": "demo"}}
    ann = one.caller("ann")
    with servers.running(command, tmp_path / "alertmanager.log"):
        api = f"http://127.0.0.1:{port}/api/v2"
        wait_until(lambda: requests.get(f"{api}/status", timeout=2).ok, "Alertmanager")
        requests.post(f"{api}/alerts", json=[alert], timeout=5).raise_for_status()
        opened = wait_until(lambda: ann.get("/api/analytics/alerts/ch-1").get_json(), "the alert")
        assert [(row["type"], row["status"]) for row in opened] == [("StreamIngestLost", "open")]
        past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        requests.post(f"{api}/alerts", json=[{**alert, "endsAt": past}], timeout=5).raise_for_status()
        wait_until(lambda: ann.get("/api/analytics/alerts/ch-1").get_json() == [], "the alert's end")
        (closed,) = ann.get("/api/analytics/alerts/ch-1?status=closed").get_json()
        assert closed["id"] == opened[0]["id"]
    server.shutdown()
    server.server_close()
    thread.join()
