"""Alertmanager brings every alert to the app, the urgent ones to the pager, and what follows from another to nobody."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.prometheus.rulefiles import PROMETHEUS, alerts
from tests.servers import free_port, running, wait_until

CONFIG = PROMETHEUS / "alertmanager.yml"
TOKEN = "a token for the webhook"


def amtool(*command: str | Path) -> str:
    done = subprocess.run(["amtool", *map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_amtool_accepts_the_configuration() -> None:
    assert "SUCCESS" in amtool("check-config", CONFIG)


@pytest.mark.parametrize(
    ("severity", "receivers"), [("critical", "app,page"), ("warning", "app,office"), ("info", "app")]
)
def test_every_alert_reaches_the_app_and_its_severity_decides_who_else_hears(severity: str, receivers: str) -> None:
    found = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"severity={severity}", "stream=demo")
    assert found.strip() == receivers


def test_inhibition_names_alerts_that_exist() -> None:
    known = {rule.alert for rule in alerts()}
    for rule in yaml.safe_load(CONFIG.read_text("utf-8"))["inhibit_rules"]:
        for matcher in rule["source_matchers"] + rule["target_matchers"]:
            label, _, value = matcher.partition("=")
            if label == "alertname":
                assert set(value.strip('~"').split("|")) <= known


class Receiver(ThreadingHTTPServer):
    """Takes Alertmanager's webhook; ``told`` has every notification, ``tokens`` their Authorization headers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[dict[str, Any]] = []
        self.tokens: set[str] = set()

    def names(self, status: str) -> set[str]:
        return {one["labels"]["alertname"] for told in self.told for one in told["alerts"] if one["status"] == status}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.tokens.add(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def alertmanager(folder: Path, app_port: int) -> Iterator[str]:
    """The project's Alertmanager configuration, with the app at ``app_port`` and shorter waits; yields its URL."""
    (folder / "secrets").mkdir()
    (folder / "secrets/internal-token").write_text(TOKEN, encoding="utf-8")
    text = CONFIG.read_text("utf-8").replace("127.0.0.1:8001", f"127.0.0.1:{app_port}")
    text = text.replace("/etc/bigfootlive/secrets", f"{folder}/secrets")
    text = text.replace("group_wait: 2s", "group_wait: 500ms").replace("group_interval: 5s", "group_interval: 500ms")
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    port = free_port()
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with running(command, folder / "alertmanager.log", cwd=folder):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: requests.get(f"{url}/-/ready", timeout=2).ok, "Alertmanager")
        yield url


def tell(url: str, *names: str, stream: str = "demo", ended: bool = False) -> None:
    """Tell Alertmanager of alerts as Prometheus does."""
    now = datetime.now(UTC)
    ends = now if ended else now + timedelta(minutes=5)
    body = [
        {
            "labels": {"alertname": name, "severity": "critical", "service": "livestream", "stream": stream},
            "startsAt": (now - timedelta(seconds=30)).isoformat(),
            "endsAt": ends.isoformat(),
        }
        for name in names
    ]
    requests.post(f"{url}/api/v2/alerts", json=body, timeout=5).raise_for_status()


def silenced(url: str) -> set[str]:
    """The alerts that another one inhibits."""
    found = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
    return {one["labels"]["alertname"] for one in found if one["status"]["inhibitedBy"]}


@pytest.mark.live
def test_a_lost_ingest_silences_what_follows_from_it_for_its_stream_alone(tmp_path: Path, receiver: Receiver) -> None:
    with alertmanager(tmp_path, receiver.server_address[1]) as url:
        tell(url, "StreamIngestLost")
        wait_until(lambda: receiver.names("firing") == {"StreamIngestLost"}, "the cause to be told")
        tell(url, "PlaylistStale", "ViewersStalling")
        tell(url, "PlaylistStale", stream="other")
        wait_until(lambda: silenced(url) == {"PlaylistStale", "ViewersStalling"}, "what follows from it to be silenced")
        wait_until(lambda: "PlaylistStale" in receiver.names("firing"), "the notification of the other stream")
        told = {(one["labels"]["alertname"], one["labels"]["stream"]) for n in receiver.told for one in n["alerts"]}
        assert told == {("StreamIngestLost", "demo"), ("PlaylistStale", "other")}
        assert receiver.tokens == {f"Bearer {TOKEN}"}
        assert all(set(notification["groupLabels"]) == {"stream"} for notification in receiver.told)
        tell(url, "StreamIngestLost", ended=True)
        wait_until(lambda: "StreamIngestLost" in receiver.names("resolved"), "the end of the alert")
        wait_until(
            lambda: any(
                one["labels"] == {**one["labels"], "alertname": "PlaylistStale", "stream": "demo"}
                for notification in receiver.told
                for one in notification["alerts"]
            ),
            "the stale playlist, told once its cause has ended",
        )
        assert "ViewersStalling" not in receiver.names("firing"), "still silenced, by the playlist"
