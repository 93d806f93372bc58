"""A small live platform for tests: an exporter serving the vocabulary's families, a real Prometheus, a real bridge."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import requests

from exporters import metrics
from exporters.exposition import Samples, Table
from exporters.metrics import Family
from exporters.server import RunningService, Service
from tests import servers

ROOT = Path(__file__).resolve().parents[2]
HOPS = ("rtmp", "hls", "cdn", "viewers")
BRIDGE_ENVIRON = {"BRIDGE_AUTH": "off", "BRIDGE_TICK_SECONDS": "0.5", "BRIDGE_BROADCAST_SECONDS": "1"}


class FakeHop:
    """A hop's collector whose samples the test sets."""

    name = "samples"

    def __init__(self) -> None:
        self.tables: dict[str, Samples] = {}

    def set(self, family: Family, value: float, *labels: str) -> None:
        self.tables.setdefault(family.name, Samples(family)).set(value, *labels)

    def remove_stream(self, stream: str) -> None:
        for table in self.tables.values():
            if "stream" in table.family.labels:
                table.remove_where("stream", stream)

    def collect(self) -> Iterable[Table]:
        return list(self.tables.values())


@dataclass
class Platform:
    """The four hops' exporters on free ports, and the folder their Prometheus runs in."""

    folder: Path
    hops: Mapping[str, FakeHop] = field(default_factory=lambda: {hop: FakeHop() for hop in HOPS})
    running: dict[str, RunningService] = field(default_factory=dict)

    def start(self) -> None:
        for hop, samples in self.hops.items():
            self.running[hop] = RunningService(Service(hop, [samples]), ("127.0.0.1", 0)).start()

    def stop(self) -> None:
        for one in self.running.values():
            one.stop()

    def prometheus_config(self) -> str:
        """Scrapes each hop every second, with the project's own recording rules evaluated as often."""
        rules = (ROOT / "prometheus/rules/recording.yml").read_text(encoding="utf-8")
        for interval in ("2s", "5s", "10s", "15s", "30s"):
            rules = rules.replace(f"interval: {interval}\n", "interval: 1s\n")
        (self.folder / "recording.yml").write_text(rules, encoding="utf-8")
        targets = "".join(
            f"      - targets: ['127.0.0.1:{one.port}']\n        labels: {{hop: {hop}, service: livestream}}\n"
            for hop, one in self.running.items()
        )
        return (
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            "rule_files: [recording.yml]\n"
            f"scrape_configs:\n  - job_name: livestream\n    static_configs:\n{targets}"
        )

    def publish(self, stream: str, viewers: float, started: float | None = None) -> None:
        """Make a stream live at every hop, with this many viewers."""
        since = time.time() - 120 if started is None else started
        rtmp, hls, cdn, seen = (self.hops[hop] for hop in HOPS)
        rtmp.set(metrics.RTMP_STREAM_UP, 1, "live", stream)
        rtmp.set(metrics.RTMP_STREAM_START, since, "live", stream)
        rtmp.set(metrics.RTMP_STREAM_FIRST_START, since, "live", stream)
        rtmp.set(metrics.RTMP_STREAM_PUBLISHING_SECONDS, time.time() - since, "live", stream)
        hls.set(metrics.HLS_UP, 1, stream, "origin")
        hls.set(metrics.HLS_PLAYLIST_LAST_CHANGE, time.time(), stream, "origin", "720p")
        hls.set(metrics.HLS_PLAYLIST_STALE, 0, stream, "origin", "720p")
        hls.set(metrics.HLS_LIVE_EDGE_LATENCY, 3.5, stream, "origin", "720p")
        cdn.set(metrics.CDN_REQUESTS, 1000, "nginx", stream, "segment", "2xx", "hit")
        cdn.set(metrics.CDN_RESPONSE_BYTES, 1e6, "nginx", stream, "segment", "hit")
        seen.set(metrics.VIEWER_CONCURRENT, viewers, stream)
        seen.set(metrics.VIEWER_BROADCAST_START, since, stream)
        seen.set(metrics.VIEWER_BROADCAST_PEAK, viewers + 3, stream)
        seen.set(metrics.VIEWER_BROADCAST_PLAYS, 40, stream)
        seen.set(metrics.VIEWER_BROADCAST_WATCH, 1000, stream)
        seen.set(metrics.VIEWER_BROADCAST_ENGAGEMENTS, 7, stream, "chat_message")
        seen.set(metrics.VIEWER_BROADCAST_ENGAGEMENTS, 5, stream, "like")
        seen.set(metrics.VIEWER_STREAM_BY_COUNTRY, viewers, stream, "DE")
        seen.set(metrics.VIEWER_STREAM_BY_DEVICE, viewers, stream, "tv")
        seen.set(metrics.VIEWER_STREAM_BY_VARIANT, viewers, stream, "720p")
        seen.set(metrics.VIEWER_REVENUE_TODAY, 12.5, stream)


@contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """The hops' exporters; no stream is on air yet."""
    one = Platform(folder)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def bridge(folder: Path, environ: Mapping[str, str], ready: str = "/readyz") -> Iterator[str]:
    """A real bridge process; yields its base URL once ``ready`` answers 200."""
    port = servers.free_port()
    settings = {
        **BRIDGE_ENVIRON,
        "BRIDGE_LISTEN": f"127.0.0.1:{port}",
        "BRIDGE_METRICS_LISTEN": "",
        "PYTHONPATH": str(ROOT),
        **environ,
    }
    python = shutil.which("python", path=str(Path(sys.executable).parent)) or sys.executable
    base = {name: value for name, value in os.environ.items() if not name.startswith(("BRIDGE_", "DATABASE_"))}
    log = folder / f"bridge-{port}.log"
    with servers.running([python, "-m", "bridge", "serve"], log, {**base, **settings}):
        url = f"http://127.0.0.1:{port}"
        servers.wait_until(lambda: requests.get(url + ready, timeout=2).status_code == 200, f"the bridge ({log})")
        yield url


def group_of(url: str) -> int:
    """The process group of the bridge at this URL: gunicorn's master and its worker, which share the socket."""
    port = int(url.rsplit(":", 1)[1])
    listening = [one.pid for one in psutil.net_connections("tcp4") if one.status == "LISTEN" and one.laddr.port == port]
    assert listening[0] is not None
    return os.getpgid(listening[0])
