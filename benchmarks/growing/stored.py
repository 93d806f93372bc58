"""A real Prometheus or VictoriaMetrics with the pages of a whole platform, and a bridge and a recorder that ask it."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from operator import truediv
from pathlib import Path

import requests

from benchmarks.answering import answering
from benchmarks.growing.probed import Found, values
from benchmarks.growing.replay import Replay
from benchmarks.growing.scenario import SEGMENT_SECONDS
from benchmarks.processes import family_usage, started_for
from bridge.database import connect
from bridge.history.migrate import migrate
from bridge.history.service import backfill_of
from bridge.history.settings import RecorderConfig
from exporters import metrics
from exporters.metrics import Family
from exporters.settings import Secret
from prometheus.queries import SNAPSHOT
from tests import servers
from tests.bridge.platform import ROOT, bridge
from tests.prometheus.backends import victoria_metrics

GAPS = {"viewers": SEGMENT_SECONDS, "rtmp": 2.0, "hls": 2.0, "cdn": 2.0}
FAST = ("viewers", "rtmp")
TICK_SECONDS = 2
CHUNK_SAMPLES = 120
SAMPLES = Family("prometheus_tsdb_head_samples_appended_total", "counter", ("type",), "")
SERIES = Family("prometheus_tsdb_head_series", "gauge", (), "")
RULES_SECONDS = Family("prometheus_rule_group_last_duration_seconds", "gauge", ("rule_group",), "")
RULES_INTERVAL = Family("prometheus_rule_group_interval_seconds", "gauge", ("rule_group",), "")
RULES_MISSED = Family("prometheus_rule_group_iterations_missed_total", "counter", ("rule_group",), "")
VICTORIA_ROWS = Family("vm_rows_inserted_total", "counter", ("type",), "")


@dataclass(frozen=True)
class Platform:
    """Pages of exporters of one size, kept in a folder, and how many shards of the session engine show theirs."""

    pages: Path
    streams: int
    shards: int


@contextmanager
def scraped(platform: Platform, folder: Path, gap_seconds: float | None = None) -> Iterator[None]:
    """Target files and rules in ``folder`` for Prometheus' own configuration; the pages are served meanwhile.

    Values change as often as they did where they come from, or after ``gap_seconds``.
    """
    shutil.copytree(ROOT / "prometheus/rules", folder / "rules")
    with answering(Replay(platform.pages, dict.fromkeys(GAPS, gap_seconds) if gap_seconds else GAPS)) as url:
        address = url.removeprefix("http://")
        for hop in GAPS:
            path = folder / "targets" / ("fast" if hop in FAST else "normal") / f"{hop}.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            targets = [
                {
                    "targets": [address],
                    "labels": {
                        **{"service": "livestream", "hop": hop, "instance": f"{hop}{one}"},
                        "__metrics_path__": f"/{hop}/{one}",
                    },
                }
                for one in range(platform.shards if hop == "viewers" else 1)
            ]
            path.write_text(json.dumps(targets), encoding="utf-8")  # JSON is YAML
        yield


def asked(platform: Platform, folder: Path, seconds: float) -> Found:
    """Prometheus with the project's rules at the project's intervals, under one bridge; then a minute of history."""
    with ExitStack() as stack:
        stack.enter_context(scraped(platform, folder))
        config = (ROOT / "prometheus/prometheus.yml").read_text("utf-8")
        port = servers.free_port()
        config = config.replace("127.0.0.1:9090", f"127.0.0.1:{port}")
        url = stack.enter_context(servers.prometheus(folder, config, port))
        database = stack.enter_context(servers.postgres(folder / "database"))
        migrate(database)
        environ = {
            "PROMETHEUS_URL": url,
            "DATABASE_URL": database,
            "BRIDGE_TICK_SECONDS": str(TICK_SECONDS),
            "BRIDGE_BROADCAST_SECONDS": str(2 * TICK_SECONDS),
            "BRIDGE_QUERY_TIMEOUT_SECONDS": "30",
            "BRIDGE_METRICS_LISTEN": f"127.0.0.1:{servers.free_port()}",
        }
        shown = "stream:livestream_viewer_concurrent:sum"
        servers.wait_until(lambda: len(servers.instant(url, shown)) == platform.streams, "all streams", 120, 1.0)
        bridges = stack.enter_context(bridge(folder, environ))
        telling = f"http://{environ['BRIDGE_METRICS_LISTEN']}"
        time.sleep(seconds / 2)  # the first scrapes and turns make all series: costs that come once
        found = _over(seconds, url, bridges, telling)
        return {
            "streams": platform.streams,
            "shards": platform.shards,
            **found,
            **_minute(url, database, folder),
        }


def _over(seconds: float, url: str, bridges: str, telling: str) -> Found:
    """What Prometheus and the bridge use in so many seconds."""
    pids = [started_for(url), started_for(bridges)]
    pages = _page(url), _page(telling)
    used = _use(pids, seconds)
    page, told = _page(url), _page(telling)
    ticks = _growth(metrics.BRIDGE_PROMQL_QUERIES, pages[1], told) / len(SNAPSHOT)
    return {
        "series": sum(values(page, SERIES)),
        "samples_per_second": _growth(SAMPLES, pages[0], page) / used.seconds,
        "prometheus_cores": used.cpu_seconds[0] / used.seconds,
        "prometheus_mb": used.peaks_mb[0],
        "rules_share": max(map(truediv, values(page, RULES_SECONDS), values(page, RULES_INTERVAL))),
        "rules_missed": _growth(RULES_MISSED, pages[0], page),
        "bridge_mb": used.peaks_mb[1],
        "tick_ms": 1e3 * used.cpu_seconds[1] / ticks,
        "snapshot_s": sum(values(told, metrics.BRIDGE_SNAPSHOT_DURATION)),
    }


def _growth(family: Family, before: bytes, after: bytes) -> float:
    return sum(values(after, family)) - sum(values(before, family))


def _page(url: str) -> bytes:
    answer = requests.get(f"{url}/metrics", timeout=30)
    answer.raise_for_status()
    return answer.content


@dataclass(frozen=True)
class Use:
    """What programs used while they were looked at: CPU and the most megabytes of each, and how long that was."""

    cpu_seconds: list[float]
    peaks_mb: list[float]
    seconds: float


def _use(pids: Sequence[int], seconds: float) -> Use:
    """Look at the programs each second for so long."""
    before, begun = [family_usage(pid).cpu_seconds for pid in pids], time.monotonic()
    peaks = [0.0] * len(pids)
    while time.monotonic() < begun + seconds:
        time.sleep(1)
        peaks = [max(peak, family_usage(pid).anonymous) for peak, pid in zip(peaks, pids, strict=True)]
    cpu = [family_usage(pid).cpu_seconds - earlier for pid, earlier in zip(pids, before, strict=True)]
    return Use(cpu, [peak * 2**20 / 1e6 for peak in peaks], time.monotonic() - begun)


def disk(platform: Platform, folder: Path, seconds: float) -> Found:
    """Bytes of a sample where each series has as many as a chunk holds, by scraping the same pages more often."""
    interval = seconds / CHUNK_SAMPLES
    with scraped(platform, folder, interval):
        config = f"global: {{scrape_interval: {1000 * interval:.0f}ms, scrape_timeout: {1000 * interval:.0f}ms}}\n"
        files = "[targets/fast/*.yml, targets/normal/*.yml]"
        config += f"scrape_configs: [{{job_name: all, file_sd_configs: [{{files: {files}}}]}}]\n"
        with servers.prometheus(folder, config, flags=("--web.enable-admin-api",)) as url:
            servers.wait_until(
                lambda: sum(values(_page(url), SAMPLES)) > CHUNK_SAMPLES * sum(values(_page(url), SERIES)),
                f"{CHUNK_SAMPLES} samples of each series",
                10 * seconds,
                1.0,
            )
            return {"streams": platform.streams, "shards": platform.shards, **_block(url, folder)}


def _block(url: str, folder: Path) -> Found:
    """Bytes of a sample and of a series' entry in the index, of a block made of what is in the head."""
    answer = requests.post(f"{url}/api/v1/admin/tsdb/snapshot", timeout=120)
    answer.raise_for_status()
    (meta,) = (folder / "data/snapshots" / answer.json()["data"]["name"]).glob("*/meta.json")
    stats = json.loads(meta.read_text("utf-8"))["stats"]
    chunks = sum(one.stat().st_size for one in (meta.parent / "chunks").iterdir())
    return {
        "samples_per_series": stats["numSamples"] / stats["numSeries"],
        "sample_bytes": chunks / stats["numSamples"],
        "index_bytes": (meta.parent / "index").stat().st_size / stats["numSeries"],
    }


def _minute(url: str, database: str, folder: Path) -> Found:
    """The recorder's own part for minutes, once for the last sixty seconds: rows, CPU of each side and seconds."""
    config = RecorderConfig(prometheus_url=url, database_url=Secret(database), spool_dir=(folder,))
    pids = [started_for(url), started_for(database)]
    end = int(time.time())
    with connect(database) as connection:
        connection.autocommit = True
        before, own, begun = [family_usage(pid) for pid in pids], time.process_time(), time.monotonic()
        rows = backfill_of(config).store(connection, end - 60, end, advance=False)
        own, seconds = time.process_time() - own, time.monotonic() - begun
        after = [family_usage(pid) for pid in pids]
    asked, stored = (later.cpu_seconds - earlier.cpu_seconds for earlier, later in zip(before, after, strict=True))
    return {"rows": rows, "recorder_s": own, "queries_s": asked, "database_s": stored, "minute_s": seconds}


def victoria(platform: Platform, folder: Path, seconds: float) -> Found:
    """VictoriaMetrics that scrapes by itself; it evaluates no rules."""
    with scraped(platform, folder):
        config = folder / "prometheus.yml"
        shutil.copy(ROOT / "prometheus/prometheus.yml", config)
        flags = [f"-promscrape.config={config}", "-promscrape.config.strictParse=false"]
        flags.append("-promscrape.maxScrapeSize=256MB")
        with victoria_metrics(folder / "victoria", flags) as url:
            shown = f"count({metrics.VIEWER_CONCURRENT.name})"
            want = platform.streams * platform.shards
            servers.wait_until(
                lambda: [value for _, value in servers.instant(url, shown)] == [want], "all streams", 120, 1.0
            )
            time.sleep(seconds / 2)
            before = _page(url)
            used = _use([started_for(url)], seconds)
            return {
                "streams": platform.streams,
                "shards": platform.shards,
                "series": _count_series(url),
                "samples_per_second": _growth(VICTORIA_ROWS, before, _page(url)) / used.seconds,
                "victoria_cores": used.cpu_seconds[0] / used.seconds,
                "victoria_mb": used.peaks_mb[0],
            }


def _count_series(url: str) -> float:
    answer = requests.get(f"{url}/api/v1/status/tsdb", timeout=60)
    answer.raise_for_status()
    return float(answer.json()["data"]["totalSeries"])
