"""The exporter as it runs: settings, pages and routes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from exporters import settings
from exporters.discovery import parse_streams
from exporters.errors import ConfigError
from exporters.rtmp.service import PREFIX, RtmpConfig, build
from exporters.server import RunningService
from tests.rtmp.fixtures import fixture
from tests.rtmp.web import Answer, serving
from tests.servers import wait_until


@contextmanager
def exporter(**environ: str) -> Iterator[str]:
    """A running exporter with these settings; yields its base URL."""
    config = settings.read(RtmpConfig, PREFIX, {f"{PREFIX}{name.upper()}": text for name, text in environ.items()})
    service = RunningService(build(config), ("127.0.0.1", 0)).start()
    try:
        yield f"http://127.0.0.1:{service.port}"
    finally:
        service.stop()


def test_a_media_server_shows_in_metrics_and_streams() -> None:
    with (
        serving(lambda asked: Answer(body=fixture("arut-renditions.xml"))) as url,
        exporter(targets=f"m=nginx-rtmp+{url}/stat", poll_seconds="0.1") as base,
    ):
        wait_until(lambda: parse_streams(requests.get(f"{base}/streams", timeout=5).content), "a stream")
        (row,) = parse_streams(requests.get(f"{base}/streams", timeout=5).content)
        assert (row.stream, row.app, row.state) == ("show", "abr", "live")
        page = requests.get(f"{base}/metrics", timeout=5).text
        assert 'livestream_rtmp_up{target="m",backend="nginx-rtmp"} 1\n' in page
        assert 'livestream_rtmp_stream_up{app="abr",stream="show"} 1\n' in page
        assert 'livestream_exporter_collector_success{exporter="rtmp",collector="streams"} 1\n' in page


def test_hooks_alone_are_enough_to_know_who_publishes(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yml"
    keys.write_text("sk-1: demo\n")
    with exporter(targets="", keys_file=str(keys)) as base:
        form = {"app": "live", "clientid": "1", "call": "publish", "name": "sk-1", "type": "live"}
        reply = requests.post(f"{base}/hooks/nginx-rtmp", data=form, timeout=5, allow_redirects=False)
        assert (reply.status_code, reply.headers["Location"]) == (302, "demo")
        (row,) = parse_streams(requests.get(f"{base}/streams", timeout=5).content)
        assert (row.stream, row.state) == ("demo", "live")
        requests.post(f"{base}/hooks/nginx-rtmp", data={**form, "call": "publish_done"}, timeout=5)
        (row,) = parse_streams(requests.get(f"{base}/streams", timeout=5).content)
        assert row.state == "ended"
        assert "sk-1" not in requests.get(f"{base}/metrics", timeout=5).text


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"RTMP_TARGETS": "nonsense"}, "RTMP_TARGETS"),
        ({"RTMP_POLL_SECONDS": "0"}, "RTMP_POLL_SECONDS"),
        ({"RTMP_KEYS_FILE": "/nowhere/keys.yml"}, "RTMP_KEYS_FILE"),
        ({"RTMP_KEYS_AWAY": "allow"}, "RTMP_KEYS_AWAY"),
        ({"RTMP_KEYED_TARGETS": "other", "RTMP_NAMES_SECRET": "s"}, "RTMP_KEYED_TARGETS"),
        ({"RTMP_KEYED_TARGETS": "local"}, "RTMP_NAMES_SECRET"),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(settings.read(RtmpConfig, PREFIX, environ))
