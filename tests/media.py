"""A media server for tests: the local stack's nginx (RTMP ingest, HLS origin, caching edge) and ffmpeg publishers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.config import LocalConfig
from deploy.local.files import nginx_conf
from tests.servers import free_port, port_answers, running, wait_until


@dataclass(frozen=True, slots=True)
class MediaServer:
    """Addresses and files of a running media server; ``process`` is nginx's master."""

    config: LocalConfig
    process: subprocess.Popen[bytes]

    @property
    def rtmp_url(self) -> str:
        """Where to publish: append ``/<key>`` (or ``/<id>`` without hooks)."""
        return f"rtmp://127.0.0.1:{self.config.rtmp_port}/live"

    @property
    def stat_url(self) -> str:
        return self.config.url(self.config.origin_port, "/stat")

    def playlist_url(self, stream: str, edge: bool = False) -> str:
        """The multivariant playlist of a stream, at the origin or the edge."""
        return self.config.url(self.config.edge_port if edge else self.config.origin_port, f"/hls/{stream}.m3u8")

    @property
    def hls_folder(self) -> Path:
        return self.config.var / "media/hls"

    @property
    def edge_log(self) -> Path:
        """The edge's JSON access log."""
        return self.config.var / "log/edge.json"

    @property
    def nginx_log(self) -> Path:
        return self.config.var / "log/nginx.log"


@contextmanager
def media_server(folder: Path, hooks_port: int | None = None, workers: int = 1) -> Iterator[MediaServer]:
    """nginx on free ports below ``folder``; ``hooks_port`` is an RTMP exporter's port, None publishes without hooks."""
    config = media_config(folder, hooks_port)
    for name in ("log", "run", "media/hls"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    text = nginx_conf(config).replace("worker_processes 1;", f"worker_processes {workers};")
    lines = [line for line in text.splitlines(keepends=True) if hooks_port or not line.strip().startswith("on_publish")]
    (folder / "nginx.conf").write_text("".join(lines), encoding="utf-8")
    with start_again(config) as server:
        yield server


def media_config(folder: Path, hooks_port: int | None) -> LocalConfig:
    """A local run's settings on free ports."""
    return LocalConfig(
        var=folder,
        rtmp_port=free_port(),
        packager_port=free_port(),
        origin_port=free_port(),
        edge_port=free_port(),
        rtmp_metrics_port=hooks_port or 1,
    )


@contextmanager
def start_again(config: LocalConfig) -> Iterator[MediaServer]:
    """nginx with the configuration that an earlier ``media_server`` wrote, on the same ports."""
    log = config.var / "log"
    command = ["nginx", "-c", config.var / "nginx.conf", "-e", log / "nginx.log"]
    with running(command, log / "nginx.out") as process:
        for port in (config.rtmp_port, config.packager_port, config.origin_port, config.edge_port):
            wait_until(partial(port_answers, port), f"nginx on {port} ({log / 'nginx.out'})")
        yield MediaServer(config, process)


def publish_command(url: str, frame_rate: int = 10, seconds: float | None = None) -> list[str]:
    """ffmpeg that publishes a small test picture with a tone in real time, cheap to encode."""
    source = f"testsrc=size=320x180:rate={frame_rate}"
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i", source]
    command += ["-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline"]
    command += ["-pix_fmt", "yuv420p", "-g", str(2 * frame_rate), "-sc_threshold", "0", "-threads", "1"]
    command += ["-c:a", "aac", "-b:a", "64k", "-ac", "2"]
    if seconds is not None:
        command += ["-t", str(seconds)]
    return [*command, "-f", "flv", url]


@contextmanager
def publishing(
    url: str, log: Path, frame_rate: int = 10, command: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A publisher of ``url`` (``MediaServer.rtmp_url`` and a name), ended when the block ends."""
    with running(command or publish_command(url, frame_rate), log) as process:
        yield process
