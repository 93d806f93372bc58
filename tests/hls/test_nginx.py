"""The exporter against a real nginx-rtmp packager with a caching edge, published to by ffmpeg."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from exporters.discovery import LiveStream, write_streams
from exporters.hls.service import HlsConfig, build
from exporters.server import RunningService
from tests.hls.origin import origin
from tests.hls.test_service import metrics_of
from tests.servers import free_port, port_answers, running, wait_until

CONFIG = """
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
{user}
worker_processes 1;
events {{ worker_connections 256; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp};
    application live {{
      live on; hls on; hls_path {folder}/hls; hls_nested on; hls_fragment 2s; hls_playlist_length 8s; hls_cleanup on;
      hls_variant _720p BANDWIDTH=900000 RESOLUTION=1280x720 'CODECS="avc1.42c01f"';
      hls_variant _240p BANDWIDTH=500000 RESOLUTION=426x240 'CODECS="avc1.42c015"';
    }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_cache_path {folder}/cache keys_zone=edge:1m;
  server {{
    listen 127.0.0.1:{http};
    location /hls/ {{ root {folder}; add_header Cache-Control max-age=1; }}
  }}
  server {{
    listen 127.0.0.1:{edge};
    location / {{
      proxy_pass http://127.0.0.1:{http}; proxy_cache edge; proxy_cache_lock on; proxy_cache_use_stale updating;
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Media:
    """Where the servers are."""

    rtmp: int
    http: int
    edge: int


@pytest.fixture
def media_server(tmp_path: Path) -> Iterator[Media]:
    ports = Media(free_port(), free_port(), free_port())
    folder = tmp_path / "nginx"
    folder.mkdir()
    (folder / "hls").mkdir()
    user = "user root;" if os.getuid() == 0 else ""
    text = CONFIG.format(folder=folder, user=user, rtmp=ports.rtmp, http=ports.http, edge=ports.edge)
    (folder / "nginx.conf").write_text(text)
    command = ["nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
    with running(command, tmp_path / "nginx.log"):
        wait_until(lambda: port_answers(ports.edge) and port_answers(ports.rtmp), "nginx")
        yield ports


def publish(port: int, log: Path, stack: ExitStack) -> list[object]:
    """One encoder a rendition, with a keyframe every two seconds."""
    processes: list[object] = []
    for name, size in (("720p", "320x180"), ("240p", "160x90")):
        source = ["-re", "-f", "lavfi", "-i", f"testsrc=size={size}:rate=25"]
        encode = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "50", "-b:v", "200k"]
        target = ["-f", "flv", f"rtmp://127.0.0.1:{port}/live/demo_{name}"]
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", *source, *encode, *target]
        processes.append(stack.enter_context(running(command, log)))
    return processes


@pytest.mark.live
def test_a_stream_of_nginx_rtmp_is_measured_at_origin_and_edge_without_alarms(
    media_server: Media, tmp_path: Path
) -> None:
    with origin() as lists, ExitStack() as stack:
        lists.pages["/streams"] = write_streams([])
        config = HlsConfig(
            streams_urls=(f"{lists.url}/streams",),
            endpoints=(
                f"origin=http://127.0.0.1:{media_server.http}/hls/{{stream}}.m3u8",
                f"edge=http://127.0.0.1:{media_server.edge}/hls/{{stream}}.m3u8",
            ),
            sample_seconds=2.0,
            retention_seconds=0.0,
        )
        service = RunningService(build(config), ("127.0.0.1", 0)).start()
        stack.callback(service.stop)
        page = f"http://127.0.0.1:{service.port}/metrics"
        with ExitStack() as encoders:
            publish(media_server.rtmp, tmp_path / "ffmpeg.log", encoders)
            lists.pages["/streams"] = write_streams([LiveStream("demo", "live", "live", 1.0)])
            for endpoint in ("origin", "edge"):
                for variant in ("720p", "240p"):
                    series = f'segments_total{{stream="demo",endpoint="{endpoint}",variant="{variant}"}}'
                    wait_until(
                        lambda series=series: metrics_of(page).get(f"livestream_hls_{series}", 0) >= 4,
                        f"new segments of {variant} at the {endpoint}",
                        60,
                    )
            found = metrics_of(page)
            assert found['livestream_hls_up{stream="demo",endpoint="origin"}'] == 1
            assert found['livestream_hls_up{stream="demo",endpoint="edge"}'] == 1
            alarms = [name for name in found if "hls_violations_total" in name and 'severity="info"' not in name]
            assert alarms == []
            assert found['livestream_hls_segment_bytes_total{stream="demo",endpoint="edge",variant="720p"}'] > 0
            assert any('hls_edge_cache_total{endpoint="edge",kind="media",cache="miss"' in name for name in found)
            # nginx-rtmp writes no program dates, so there is no live-edge latency to tell.
            assert not any("live_edge_latency" in name for name in found)
            lists.pages["/streams"] = write_streams([])
            wait_until(lambda: 'stream="demo"' not in requests.get(page, timeout=5).text, "the series to go")
