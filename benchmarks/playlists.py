"""How many playlists a second one HLS exporter follows, how late its fetches begin, and what each costs."""

from __future__ import annotations

import logging
import resource
import time
from dataclasses import dataclass

from benchmarks.answering import answering
from benchmarks.table import Row
from exporters import metrics
from exporters.exposition import HistogramCell, render
from exporters.hls.engine import ProbeEngine
from exporters.hls.stream import ProbeOptions
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target

RENDITIONS = ("1080p", "720p", "480p", "240p")
TARGET_SECONDS = 2
WINDOW = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """Answers any path: a multivariant playlist, or a media playlist that grows with the clock."""

    renditions: tuple[str, ...] = RENDITIONS
    target_seconds: int = TARGET_SECONDS

    def __call__(self, path: str) -> tuple[str, bytes]:
        text = self._media(path) if path.endswith("index.m3u8") else self._multivariant(path)
        return "application/vnd.apple.mpegurl", text.encode()

    def _multivariant(self, path: str) -> str:
        rows = (
            f"#EXT-X-STREAM-INF:BANDWIDTH={3_000_000 - number},RESOLUTION=1280x{name[:-1]},"
            f'CODECS="avc1.42c01f,mp4a.40.2"\n{path}_{name}/index.m3u8\n'
            for number, name in enumerate(self.renditions)
        )
        return "#EXTM3U\n" + "".join(rows)

    def _media(self, path: str) -> str:
        """Every stream turns at an instant of its own."""
        length = self.target_seconds
        first = int(time.time() / length + hash(path) % 1000 / 1000)
        rows = (
            f"#EXT-X-PROGRAM-DATE-TIME:{_date(number * length)}\n#EXTINF:{length}.000,\nseg-{number}.ts\n"
            for number in range(first, first + WINDOW)
        )
        start = f"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{length}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
        return start + "".join(rows)


def _date(seconds: int) -> str:
    """A moment within one made-up hour."""
    return f"2026-01-01T00:{seconds // 60 % 60:02d}:{seconds % 60:02d}.000Z"


def run(quick: bool) -> list[Row]:
    """Follow many streams for a while after all have been started."""
    logging.getLogger("exporters.hls").setLevel(logging.ERROR)
    streams, seconds = (40, 5.0) if quick else (250, 30.0)
    with answering(Origin()) as url:
        return _measure(url, streams, seconds)


def _measure(url: str, streams: int, seconds: float) -> list[Row]:
    targets = [Target(f"s{number}", "origin", f"{url}/s{number}") for number in range(streams)]
    tables = HlsTables()
    options = ProbeOptions(sample_seconds=0)
    engine = ProbeEngine(
        lambda: targets,
        tables,
        options=options,
        timeout_seconds=5,
        retention_seconds=900,
        max_streams=streams + 20,
        user_agent="benchmark",
    )
    engine.start()
    lag = tables.histogram(metrics.HLS_PROBE_LAG).cell()
    while len(tables[metrics.HLS_MEDIA_SEQUENCE]) < streams * len(RENDITIONS):
        time.sleep(0.1)
    time.sleep(2 * TARGET_SECONDS)
    counts, fetched, used, begun = lag.counts[:], _fetched(tables), _cpu(), time.monotonic()
    time.sleep(seconds)
    late = [after - before for after, before in zip(lag.counts, counts, strict=True)]
    rate, cpu = (_fetched(tables) - fetched) / (time.monotonic() - begun), _cpu() - used
    fetches = _fetched(tables) - fetched
    appeared = _appear(url, targets, tables)
    scrape = time.process_time()
    size = len(render(tables.all(), False))
    scrape = time.process_time() - scrape
    engine.stop()
    failures = tables[metrics.HLS_FETCH_ERRORS].total() + tables[metrics.HLS_VIOLATIONS].total()
    return [
        Row("playlists followed", rate, "1/s", "≥ 500", "", f"{streams} streams of {len(RENDITIONS)} renditions"),
        Row("lateness p99", 1000 * _quantile(lag, late, 0.99), "ms", "≤ 250", "", "interpolated in its bucket"),
        Row("appears → measured", appeared, "s", "≤ 5", "", "the slowest of 20 new streams; listing takes 1 s more"),
        Row("CPU a fetch", 1e6 * cpu / fetches, "µs", "", "", "fetch, read, all rules, tables"),
        Row("CPU share", cpu / seconds, "cores", "", "", ""),
        Row("failures and violations", failures, "", "0", "", ""),
        Row("/metrics", 1000 * scrape, "ms CPU", "", "", f"{size / 1e6:.1f} MB"),
    ]


def _appear(url: str, targets: list[Target], tables: HlsTables) -> float:
    """Seconds until the last of 20 streams that appear at once has all its renditions measured."""
    names = [f"new{number}" for number in range(20)]
    begun = time.monotonic()
    targets += [Target(name, "origin", f"{url}/{name}") for name in names]
    windows = tables[metrics.HLS_WINDOW_SEGMENTS]
    while any(windows.get(name, "origin", variant) is None for name in names for variant in RENDITIONS):
        time.sleep(0.01)
    return time.monotonic() - begun


def _fetched(tables: HlsTables) -> float:
    return tables[metrics.HLS_FETCHES].total()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _quantile(lag: HistogramCell, counts: list[int], share: float) -> float:
    """The quantile, interpolated within its bucket as Prometheus does."""
    want, seen, low = share * sum(counts), 0, 0.0
    for bound, count in zip(lag.bounds, counts, strict=False):
        if seen + count >= want:
            return low + (bound - low) * (want - seen) / count
        seen += count
        low = bound
    return float("inf")
