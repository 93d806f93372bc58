"""The exporter against a real nginx-rtmp and real publishers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from exporters import metrics
from exporters.discovery import parse_streams
from exporters.metrics import Family
from exporters.rtmp.service import RtmpConfig, build
from exporters.server import RunningService
from tests.media import MediaServer, media_server, publishing, start_again
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.live
KEYS = "sk-one: one\nsk-two: two\n"


@dataclass(frozen=True)
class Exporter:
    """A running exporter and what it shows."""

    base: str

    def states(self) -> dict[str, str]:
        """``live`` or ``ended`` of every listed stream."""
        rows = parse_streams(requests.get(f"{self.base}/streams", timeout=5).content)
        return {row.stream: row.state for row in rows}

    def page(self) -> str:
        return requests.get(f"{self.base}/metrics", timeout=5).text

    def value(self, family: Family, **labels: str) -> float | None:
        """The value of the first series with these labels, or None."""
        for parsed in text_string_to_metric_families(self.page()):
            for sample in parsed.samples:
                if sample.name == family.name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    def wait_for(self, value: float | None, family: Family, **labels: str) -> None:
        wait_until(lambda: self.value(family, **labels) == value, f"{family.name}{labels} to be {value}")

    def wait_state(self, stream: str, state: str) -> None:
        wait_until(lambda: self.states().get(stream) == state, f"{stream} to be {state}")


@contextmanager
def exporter(config: RtmpConfig, port: int = 0) -> Iterator[Exporter]:
    service = RunningService(build(config), ("127.0.0.1", port)).start()
    try:
        yield Exporter(f"http://127.0.0.1:{service.port}")
    finally:
        service.stop()


def polled(server: MediaServer, workers: int = 1) -> RtmpConfig:
    """Settings without hooks."""
    count = f"*{workers}" if workers > 1 else ""
    return RtmpConfig(targets=(f"m=nginx-rtmp{count}+{server.stat_url}",), ignore_apps=("hls",), poll_seconds=0.2)


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MediaServer, Exporter]]:
    """A media server whose hooks reach the exporter that polls it only once a minute: hooks alone tell of changes."""
    folder, port = tmp_path_factory.mktemp("hooked"), free_port()
    (folder / "keys.yml").write_text(KEYS)
    with media_server(folder / "media", port) as server:
        targets = (f"m=nginx-rtmp+{server.stat_url}",)
        config = RtmpConfig(targets=targets, ignore_apps=("hls",), poll_seconds=60, keys_file=str(folder / "keys.yml"))
        with exporter(config, port) as running:
            yield server, running


def test_a_key_is_renamed_everywhere_and_shows_nowhere(
    hooked: tuple[MediaServer, Exporter], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server, exporter = hooked
    with (
        caplog.at_level(logging.DEBUG, "exporters"),
        publishing(f"{server.rtmp_url}/sk-one_480p", tmp_path / "one.log"),
    ):
        exporter.wait_state("one", "live")
        wait_until(lambda: requests.get(server.playlist_url("one"), timeout=5).ok, "the multivariant playlist")
        media = server.playlist_url("one").replace("one.m3u8", "one_480p/index.m3u8")
        segments = wait_until(lambda: requests.get(media, timeout=5).text.count("#EXTINF"), "a segment")
        stat = requests.get(server.stat_url, timeout=5).text
    assert segments
    assert "<name>one_480p</name>" in stat
    shown = [stat, exporter.page(), caplog.text, server.nginx_log.read_text(), server.edge_log.read_text()]
    shown += [str(path) for path in server.config.var.rglob("*")]
    shown += [path.read_text() for path in server.hls_folder.rglob("*.m3u8")]
    assert [text for text in shown if "sk-" in text] == []
    exporter.wait_state("one", "ended")


def test_a_wrong_key_is_refused(hooked: tuple[MediaServer, Exporter], tmp_path: Path) -> None:
    server, exporter = hooked
    for name in ("sk-wrong", "one", "two_480p"):
        with publishing(f"{server.rtmp_url}/{name}", tmp_path / "wrong.log") as process:
            assert process.wait(timeout=20) != 0
    assert "live" not in exporter.states().values()
    assert exporter.value(metrics.RTMP_HOOK_EVENTS, event="on_publish", result="refused") == 3


def test_stop_and_republish_are_known_by_hooks_alone(hooked: tuple[MediaServer, Exporter], tmp_path: Path) -> None:
    server, exporter = hooked
    for reconnects in (0, 1):
        with publishing(f"{server.rtmp_url}/sk-two", tmp_path / "two.log") as process:
            exporter.wait_for(1, metrics.RTMP_STREAM_UP, stream="two")
            assert exporter.value(metrics.RTMP_RECONNECTS, stream="two") == reconnects
            process.send_signal(signal.SIGKILL)
        exporter.wait_for(0, metrics.RTMP_STREAM_UP, stream="two")
        assert exporter.states()["two"] == "ended"


def test_a_second_publisher_of_a_live_stream_does_not_end_it(
    hooked: tuple[MediaServer, Exporter], tmp_path: Path
) -> None:
    server, exporter = hooked
    with publishing(f"{server.rtmp_url}/sk-two", tmp_path / "two.log"):
        exporter.wait_state("two", "live")
        ends = exporter.value(metrics.RTMP_PUBLISH_ENDS, reason="hook")
        done = exporter.value(metrics.RTMP_HOOK_EVENTS, event="on_publish_done") or 0
        with publishing(f"{server.rtmp_url}/sk-two", tmp_path / "second.log") as second:
            assert second.wait(timeout=20) != 0
        exporter.wait_for(done + 1, metrics.RTMP_HOOK_EVENTS, event="on_publish_done")
        assert exporter.states()["two"] == "live"
        assert exporter.value(metrics.RTMP_PUBLISH_ENDS, reason="hook") == ends


def test_two_streams_come_and_go_by_polling_alone(tmp_path: Path) -> None:
    with media_server(tmp_path / "media") as server, exporter(polled(server)) as shown:
        shown.wait_for(1, metrics.RTMP_UP, target="m")
        with publishing(f"{server.rtmp_url}/a", tmp_path / "a.log"):
            with publishing(f"{server.rtmp_url}/b", tmp_path / "b.log"):
                shown.wait_for(180, metrics.RTMP_STREAM_HEIGHT, stream="a")
                shown.wait_for(10, metrics.RTMP_STREAM_FRAME_RATE, stream="b")
                assert shown.states() == {"a": "live", "b": "live"}
            shown.wait_state("b", "ended")
            assert shown.states()["a"] == "live"
            received = shown.value(metrics.RTMP_STREAM_RECEIVE_BYTES, stream="a") or 0
            wait_until(
                lambda: (shown.value(metrics.RTMP_STREAM_RECEIVE_BYTES, stream="a") or 0) > received, "more bytes"
            )
            assert abs(shown.value(metrics.RTMP_STREAM_DRIFT, stream="a") or 9) < 2
            assert shown.value(metrics.RTMP_STREAM_CLIENTS, stream="a", role="subscriber") == 0
            assert shown.value(metrics.RTMP_STREAM_CLIENTS, stream="a", role="relay") == 1
        shown.wait_for(0, metrics.RTMP_STREAM_UP, stream="a")
        assert shown.value(metrics.RTMP_PUBLISH_ENDS, reason="gap") == 2


def test_a_killed_server_withholds_its_streams_and_a_new_one_shows_them_again(tmp_path: Path) -> None:
    with media_server(tmp_path / "media") as server, exporter(polled(server)) as shown:
        with publishing(f"{server.rtmp_url}/a", tmp_path / "a.log"):
            shown.wait_for(1, metrics.RTMP_STREAM_UP, stream="a")
            os.killpg(server.process.pid, signal.SIGKILL)
            shown.wait_for(0, metrics.RTMP_UP, target="m")
            assert shown.value(metrics.RTMP_STREAM_UP, stream="a") is None
        with start_again(server.config), publishing(f"{server.rtmp_url}/a", tmp_path / "a.log"):
            shown.wait_for(1, metrics.RTMP_UP, target="m")
            shown.wait_for(1, metrics.RTMP_RECONNECTS, stream="a")
            assert shown.value(metrics.RTMP_STREAM_UP, stream="a") == 1


def test_publishers_in_workers_that_a_reload_drains_stay_live(tmp_path: Path) -> None:
    with (
        media_server(tmp_path / "media", workers=2) as server,
        exporter(replace(polled(server, workers=2), worker_grace_seconds=0.0)) as shown,
    ):
        shown.wait_for(2, metrics.RTMP_SERVER_WORKERS, target="m", state="seen")
        with publishing(f"{server.rtmp_url}/a", tmp_path / "a.log") as publisher:
            shown.wait_for(180, metrics.RTMP_STREAM_HEIGHT, stream="a")
            before = workers_of(server)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "<name>a</name>" not in stat_of(server, before), "new workers alone to answer")
            last = shown.value(metrics.RTMP_LAST_SCRAPE, target="m") or 0
            wait_until(lambda: (shown.value(metrics.RTMP_LAST_SCRAPE, target="m") or 0) > last + 1, "more polls")
            assert publisher.poll() is None
            assert shown.states() == {"a": "live"}
            assert shown.value(metrics.RTMP_PUBLISH_ENDS, reason="gap") == 0
        shown.wait_state("a", "ended")


def workers_of(server: MediaServer) -> set[str]:
    """Process numbers of nginx's workers."""
    found = subprocess.run(["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True, check=False)
    return set(found.stdout.split())


def stat_of(server: MediaServer, old: set[str]) -> str:
    """The statistics page of a new worker; fails while an old one answers."""
    text = requests.get(server.stat_url, headers={"Connection": "close"}, timeout=5).text
    assert not any(f"<pid>{pid}</pid>" in text for pid in old)
    return text
