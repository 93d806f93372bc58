from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from exporters.discovery import LiveStream, write_streams
from exporters.errors import ConfigError
from exporters.hls.service import HlsConfig, build
from exporters.server import RunningService
from exporters.settings import Secret
from tests.hls.origin import Origin, Page, media, origin
from tests.servers import wait_until

MULTIVARIANT = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=2096000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"
demo_720p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=464000,RESOLUTION=426x240,CODECS="avc1.42c015,mp4a.40.2"
demo_240p/index.m3u8
"""


def live_media(seen: object) -> Page:
    """A playlist that grows by one segment a second."""
    return Page(media(int(time.time()), target=1, duration=1.0).encode())


@pytest.fixture
def site() -> Iterator[Origin]:
    with origin() as one:
        one.pages["/streams"] = write_streams([LiveStream("demo", "live", "live", 1.0)])
        one.pages["/hls/demo.m3u8"] = MULTIVARIANT
        one.pages["/hls/demo_720p/index.m3u8"] = live_media
        one.pages["/hls/demo_240p/index.m3u8"] = live_media
        yield one


@pytest.fixture
def page(site: Origin) -> Iterator[Page]:
    config = HlsConfig(
        listen="127.0.0.1:0",
        streams_urls=(f"{site.url}/streams",),
        streams_token=Secret("inner"),
        endpoints=(f"origin={site.url}/hls/{{stream}}.m3u8",),
        retention_seconds=0.5,
    )
    service = RunningService(build(config), ("127.0.0.1", 0)).start()
    try:
        yield f"http://127.0.0.1:{service.port}/metrics"  # type: ignore[misc]
    finally:
        service.stop()


def metrics_of(url: str) -> dict[str, float]:
    lines = requests.get(url, timeout=5).text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_a_live_stream_is_followed_with_all_its_renditions_and_forgotten_after_it_ended(
    site: Origin, page: str
) -> None:
    up = 'livestream_hls_up{stream="demo",endpoint="origin"}'
    segments = 'livestream_hls_segments_total{stream="demo",endpoint="origin",variant="720p"}'
    wait_until(lambda: metrics_of(page).get(up) == 1, "the stream to be up")
    wait_until(lambda: metrics_of(page).get(segments, 0) >= 2, "new segments")
    found = metrics_of(page)
    assert found['livestream_hls_playlist_stale{stream="demo",endpoint="origin",variant="240p"}'] == 0
    assert found['livestream_hls_window_seconds{stream="demo",endpoint="origin",variant="720p"}'] == 6
    assert found['livestream_hls_variants{stream="demo",endpoint="origin",state="ok"}'] == 2
    assert (
        found['livestream_hls_variant_declared_bytes_per_second{stream="demo",endpoint="origin",variant="240p"}']
        == 58000
    )
    assert not any(name.startswith("livestream_hls_live_edge_latency") for name in found)
    assert {seen.headers.get("authorization") for seen in site.seen if seen.path == "/streams"} == {"Bearer inner"}
    assert {seen.headers.get("authorization") for seen in site.seen if seen.path != "/streams"} == {None}
    site.pages["/streams"] = write_streams([])
    wait_until(lambda: 'stream="demo"' not in requests.get(page, timeout=5).text, "the stream's series to go")


def test_a_playlist_that_stops_growing_is_stale_and_the_stream_is_down(site: Origin, page: str) -> None:
    up = 'livestream_hls_up{stream="demo",endpoint="origin"}'
    wait_until(lambda: metrics_of(page).get(up) == 1, "the stream to be up")
    for name in ("720p", "240p"):
        site.pages[f"/hls/demo_{name}/index.m3u8"] = media(int(time.time()) + 1, target=1, duration=1.0)
    stale = 'livestream_hls_playlist_stale{stream="demo",endpoint="origin",variant="720p"}'
    wait_until(lambda: metrics_of(page).get(stale) == 1, "a stale playlist")
    wait_until(lambda: metrics_of(page).get(up) == 0, "the stream to be down")
    wait_until(
        lambda: metrics_of(page)['livestream_hls_playlist_stale_seconds_total{stream="demo",endpoint="origin"}'] > 0,
        "stale time",
    )


def test_targets_come_from_a_file_too(site: Origin, tmp_path: Path) -> None:
    file = tmp_path / "targets.yml"
    file.write_text("targets: []\n")
    config = HlsConfig(listen="127.0.0.1:0", streams_urls=(), targets_file=str(file))
    service = RunningService(build(config), ("127.0.0.1", 0)).start()
    try:
        page = f"http://127.0.0.1:{service.port}/metrics"
        file.write_text(f"targets:\n- stream: extra\n  endpoints: {{cdn1: '{site.url}/hls/demo_720p/index.m3u8'}}\n")
        up = 'livestream_hls_up{stream="extra",endpoint="cdn1"}'
        wait_until(lambda: metrics_of(page).get(up) == 1, "the file's stream to be up")
        assert metrics_of(page)['livestream_hls_window_segments{stream="extra",endpoint="cdn1",variant="main"}'] == 6
    finally:
        service.stop()


def test_a_wrong_endpoint_or_file_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="HLS_ENDPOINTS has 'origin=nowhere'"):
        build(HlsConfig(endpoints=("origin=nowhere",)))
    with pytest.raises(ConfigError, match="HLS_TARGETS_FILE: there is no file"):
        build(HlsConfig(targets_file="/nowhere.yml"))
