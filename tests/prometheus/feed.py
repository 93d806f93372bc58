"""Every family of the vocabulary with realistic labels: served for scraping, and as history to fill a database with.

Counters grow steadily from ``origin``, so that history and what is scraped afterwards are one series.
"""

from __future__ import annotations

import itertools
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from exporters.exposition import Histograms, Samples, Table, header, label_block, render
from exporters.metrics import ALL, Family
from prometheus import external

HOPS = {"rtmp": "rtmp_", "hls": "hls_", "cdn": "cdn_", "viewers": "viewer_", "bridge": "bridge_"}
"""Each hop and how the names of its families begin."""
STREAMS = ("demo", "sport")
LABELS: Mapping[str, tuple[str, ...]] = {
    "app": ("live",),
    "backend": ("nginx-rtmp",),
    "cache": ("hit", "miss"),
    "category": ("technical",),
    "cause": ("network", "seek"),
    "cdn": ("nginx",),
    "code_class": ("2xx", "4xx", "5xx", "aborted"),
    "collector": ("streams",),
    "country": ("AT", "DE"),
    "device": ("desktop", "mobile"),
    "direction": ("up", "down"),
    "endpoint": ("origin", "edge"),
    "event": ("chat", "reaction"),
    "kind": ("media", "segment"),
    "pop": ("vie", "fra"),
    "reason": ("slow", "timeout"),
    "result": ("ok", "error"),
    "role": ("publisher", "subscriber"),
    "stream": STREAMS,
    "target": ("local",),
    "upstream": ("prometheus", "database"),
    "variant": ("720p", "360p"),
    "window": ("stream", "1h", "24h"),
}
STATES = {
    "livestream_hls_variants": ("declared", "ok", "failing", "stale"),
    "livestream_viewer_sessions": ("playing", "rebuffering", "paused"),
    "livestream_rtmp_streams": ("publishing", "idle"),
    "livestream_bridge_database_pool_connections": ("in_use", "idle", "waiting"),
}
FAILING = frozenset({"4xx", "5xx", "error", "failing", "stale", "timeout"})
PROCESS_FAMILIES = tuple(one for one in external.ALL if one.name.startswith(("process_", "python_")))
ALERT_FAMILIES = (external.ALERTS,)
DAY = 86400.0


def hop_of(family: Family) -> str:
    """The hop whose process exposes the family; families of every process go with the RTMP exporter."""
    return next((hop for hop, prefix in HOPS.items() if family.name.startswith(f"livestream_{prefix}")), "rtmp")


def label_sets(family: Family) -> Iterator[tuple[str, ...]]:
    """Every combination of the family's label values."""
    choices = [
        STATES.get(family.name, ("running",)) if label == "state" else LABELS.get(label, (f"a {label}",))
        for label in family.labels
    ]
    return itertools.product(*choices)


def weight(family: Family, labels: tuple[str, ...]) -> float:
    """A number from 1 to 5 that is this series' own; small where the labels tell of a failure."""
    own = 1 + zlib.crc32("|".join((family.name, *labels)).encode()) % 5
    return own / 1000 if FAILING & set(labels) else float(own)


class Feed:
    """The values of all series at an instant. ``viewers`` may be changed: the concurrent viewers of each stream."""

    def __init__(self, origin: float) -> None:
        self.origin = origin
        self.viewers: dict[str, int] = {"demo": 40, "sport": 2}

    def gauge(self, family: Family, labels: tuple[str, ...], at: float) -> float:
        name = family.name
        if name == "livestream_viewer_concurrent":
            return self.viewers[labels[0]]
        if name.endswith("_timestamp_seconds") or name == "process_start_time_seconds":
            return self.origin if "start" in name else at
        if name.endswith("_info"):
            return 1
        if name.endswith(("_up", "_success", "_ratio")) or name.startswith("livestream_rtmp_stream_up"):
            return 1
        if name in ("livestream_hls_playlist_stale", "livestream_bridge_stream_ended") or FAILING & set(labels):
            return 0
        return weight(family, labels)

    def counter(self, family: Family, labels: tuple[str, ...], at: float) -> float:
        share = 0.01 if "stale_seconds" in family.name or "rebuffer_seconds" in family.name else 1.0
        return share * weight(family, labels) * (at - self.origin)

    def table(self, family: Family, at: float) -> Table:
        """All series of a family at an instant."""
        if family.kind == "histogram":
            histograms = Histograms(family)
            for labels in label_sets(family):
                cell = histograms.cell(*labels)
                for bound in family.buckets:
                    cell.observe(bound, int(weight(family, labels) * (at - self.origin)))
            return histograms
        samples = Samples(family)
        value = self.gauge if family.kind == "gauge" else self.counter
        for labels in label_sets(family):
            samples.set(value(family, labels, at), *labels)
        return samples

    def page(self, hop: str, at: float) -> str:
        """The exposition of one hop's process."""
        families = [family for family in ALL if hop_of(family) == hop]
        return render([self.table(family, at) for family in (*families, *PROCESS_FAMILIES)], openmetrics=False)

    def history(self, until: float, seconds: float, step: float) -> str:
        """OpenMetrics with timestamps: each family over the last ``seconds``, and a sample of a week ago."""
        times = [until - seconds + step * number for number in range(int(seconds / step) + 1)]
        parts = []
        for family in ALL:
            target = target_labels(hop_of(family))
            lines = [line for at in times for line in self._lines(self.table(family, at), target, at)]
            parts.append(header(family, openmetrics=True) + "".join(lines))
        parts += [self._alerts(times), self._week_ago(until), "# EOF\n"]
        return "".join(parts)

    @staticmethod
    def _lines(table: Table, target: str, at: float) -> Iterator[str]:
        for line in table.render(openmetrics=True).splitlines():
            if not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                name, _, labels = series.partition("{")
                yield f"{name}{{{target}{',' + labels if labels else '}'} {value} {at:.3f}\n"

    @staticmethod
    def _alerts(times: list[float]) -> str:
        """Alerts as Prometheus would have recorded them."""
        names = ("alertname", "alertstate", "severity", "stream", "slo", "service")
        blocks = [
            label_block(names, ("StreamIngestLost", "firing", "critical", "demo", "", "livestream")),
            label_block(names, ("ErrorBudgetBurn", "firing", "warning", "", "edge-success", "livestream")),
        ]
        blocks = [block.replace(',stream=""', "").replace(',slo=""', "") for block in blocks]
        return "# TYPE ALERTS gauge\n" + "".join(f"ALERTS{block} 1 {at:.3f}\n" for at in times for block in blocks)

    @staticmethod
    def _week_ago(until: float) -> str:
        name = "cluster:livestream_viewer_concurrent:sum"
        times = [until - 7 * DAY + 30 * number for number in range(-40, 41)]
        return f"# TYPE {name} gauge\n" + "".join(f"{name} 30 {at:.3f}\n" for at in times)


def target_labels(hop: str) -> str:
    """What scraping adds to this hop's series, as text within a label block."""
    job = "livestream-fast" if hop in ("rtmp", "viewers") else "livestream"
    return f'hop="{hop}",instance="{hop}:9700",job="{job}",region="local",service="livestream"'


@contextmanager
def serving(feed: Feed) -> Iterator[int]:
    """Serve ``/rtmp``, ``/hls`` … on a free loopback port; yields the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = feed.page(self.path.strip("/"), time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_targets(folder: Path, port: int) -> None:
    """The target files that prometheus.yml reads, one target a hop."""
    for hop in HOPS:
        group = "fast" if hop in ("rtmp", "viewers") else "normal"
        path = folder / "targets" / group / f"{hop}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f'- targets: ["127.0.0.1:{port}"]\n'
            f"  labels: {{service: livestream, hop: {hop}, instance: '{hop}:9700', __metrics_path__: /{hop}}}\n",
            encoding="utf-8",
        )
