"""The RTMP, HLS and CDN exporters as real processes with many streams: CPU, memory and pages at several sizes."""

from __future__ import annotations

import gzip
import itertools
import random
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from benchmarks.answering import answering
from benchmarks.growing.scenario import (
    AGENTS,
    COUNTRIES,
    RENDITIONS,
    SEGMENT_SECONDS,
    playlist_cmcd,
    segment_cmcd,
    stream_name,
)
from benchmarks.growing.sources import Sources
from benchmarks.log import LINE
from benchmarks.processes import process_usage
from exporters import metrics
from exporters.metrics import Family
from tests import servers

SCRAPES = 10
Found = dict[str, float]


@dataclass(frozen=True)
class Exporter:
    """A running exporter."""

    pid: int
    url: str

    @property
    def cpu_seconds(self) -> float:
        return process_usage(self.pid).cpu_seconds

    def page(self) -> bytes:
        """The exposition; it is asked for packed, as Prometheus does, and unpacked here."""
        answer = requests.get(f"{self.url}/metrics", timeout=60)
        answer.raise_for_status()
        return answer.content

    def look(self, folder: Path, cores: float = 0.0) -> Found:
        """Memory, size and cost of a scrape beyond the cores that are used anyway; two pages are left in the folder."""
        cpu, pages, gaps = 0.0, [], 2.0
        for _ in range(SCRAPES):
            begun, spent = time.monotonic(), self.cpu_seconds
            pages.append(self.page())
            cpu += self.cpu_seconds - spent - cores * (time.monotonic() - begun)
        time.sleep(gaps)
        for name, page in (("a", pages[-1]), ("b", self.page())):
            (folder / f"{name}.txt").write_bytes(page)
        return {
            "memory_mb": process_usage(self.pid).anonymous * 2**20 / 1e6,
            "series": series(pages[-1]),
            "page_mb": len(pages[-1]) / 1e6,
            "sent_mb": len(gzip.compress(pages[-1], 1)) / 1e6,
            "scrape_ms": 1e3 * cpu / SCRAPES,
        }


@contextmanager
def exporter(name: str, folder: Path, environ: Mapping[str, str]) -> Iterator[Exporter]:
    """An exporter with these settings, answering."""
    port = servers.free_port()
    settings = {**environ, f"{name.upper()}_LISTEN": f"127.0.0.1:{port}", "LOG_LEVEL": "ERROR"}
    with servers.running([sys.executable, "-m", "exporters", name], folder / f"{name}.log", settings) as process:
        url = f"http://127.0.0.1:{port}"
        servers.wait_until(lambda: requests.get(f"{url}/healthz", timeout=2).ok, f"{name} ({folder})")
        yield Exporter(process.pid, url)


def series(page: bytes) -> int:
    """How many series a page has."""
    return sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))


def values(page: bytes, family: Family) -> list[float]:
    """The values of a family's series."""
    start = family.name.encode()
    lines = [line for line in page.splitlines() if line.startswith((start + b"{", start + b" "))]
    return [float(line.rpartition(b" ")[2]) for line in lines]


def rtmp(folder: Path, streams: int, seconds: float) -> Found:
    """Media servers of 100 streams each, polled every second."""
    sources = Sources(streams)
    with answering(sources) as url:
        targets = ",".join(f"m{one}=nginx-rtmp+{url}/stat/{one}" for one in range(sources.servers))
        with exporter("rtmp", folder, {"RTMP_TARGETS": targets}) as one:
            up = metrics.RTMP_STREAM_UP
            servers.wait_until(lambda: len(values(one.page(), up)) == streams, "all streams", every=1.0)
            cores = _cores(one, seconds)
            return {"streams": streams, "cores": cores, **one.look(folder, cores)}


def hls(folder: Path, streams: int, seconds: float, segment_seconds: int = int(SEGMENT_SECONDS)) -> Found:
    """Every rendition of every stream followed at one endpoint."""
    with answering(Sources(streams, segment_seconds)) as url:
        environ = {
            "HLS_STREAMS_URLS": f"{url}/streams",
            "HLS_ENDPOINTS": f"origin={url}/hls/{{stream}}",
            "HLS_MAX_STREAMS": str(streams),
            "HLS_SAMPLE_SECONDS": "0",
        }
        with exporter("hls", folder, environ) as one:
            known = metrics.HLS_MEDIA_SEQUENCE
            servers.wait_until(
                lambda: len(values(one.page(), known)) == streams * len(RENDITIONS), "all renditions", 180, every=4.0
            )
            before, begun = one.page(), time.monotonic()
            cores = _cores(one, seconds)
            after, passed = one.page(), time.monotonic() - begun
            fetched, earlier = (sum(values(page, metrics.HLS_FETCHES)) for page in (after, before))
            late = [_late(page) for page in (before, after)]
            return {
                "streams": streams,
                "cores": cores,
                "fetches_per_second": (fetched - earlier) / passed,
                "late_share": 1 - (late[1][0] - late[0][0]) / max(1.0, late[1][1] - late[0][1]),
                **one.look(folder, cores),
            }


def _late(page: bytes) -> tuple[float, float]:
    """Fetches that began at most half a second late, and all."""
    name = metrics.HLS_PROBE_LAG.name
    lines = dict(line.rpartition(" ")[::2] for line in page.decode().splitlines() if line.startswith(name))
    return float(lines[f'{name}_bucket{{le="0.5"}}']), float(lines[f"{name}_count"])


def cdn(folder: Path, streams: int, lines: int) -> Found:
    """An edge log of segments and playlists, counted and handed over; cost of a line once all series are there."""
    log = folder / "edge.json"
    log.touch()
    with answering(Sources(streams)) as url:
        environ = {
            "CDN_FILES": f"edge=nginx:{log}",
            "CDN_START": "beginning",
            "CDN_STATE": str(folder / "cdn.db"),
            "CDN_HANDOFF_URL": f"{url}/handoff",
        }
        with exporter("cdn", folder, environ) as one:
            first = _append(log, each_kind(streams))
            _handed(one, first)
            spent = one.cpu_seconds
            written = _append(log, audience(streams, lines))
            spent = _handed(one, first + written) - spent
            found = one.look(folder)
    return {"streams": streams, "line_us": 1e6 * spent / written, **found}


def _append(log: Path, lines: Iterator[str]) -> int:
    with log.open("a", encoding="utf-8") as file:
        count = 0
        for line in lines:
            file.write(line)
            count += 1
    return count


def _handed(one: Exporter, records: int) -> float:
    """Wait until so many records are counted and handed over; CPU seconds by then, less what our looking cost."""
    looking, deadline = 0.0, time.monotonic() + 120
    while time.monotonic() < deadline:
        begun = one.cpu_seconds
        page = one.page()
        done = one.cpu_seconds
        if sum(values(page, metrics.CDN_LOG_RECORDS)) >= records and not sum(values(page, metrics.CDN_HANDOFF_LAG)):
            return begun - looking
        looking += done - begun
        time.sleep(0.5)
    raise RuntimeError(f"{records} records were not handed over: {one.url}")


def each_kind(streams: int) -> Iterator[str]:
    """A line of every kind that a stream has: segments and playlists, hits and misses, served and failed."""
    for number in range(streams):
        for cache, status in itertools.product(("HIT", "MISS"), (200, 404, 503)):
            for playlist in (False, True):
                yield _line(number, number, playlist, cache, status, 0)


def audience(streams: int, lines: int) -> Iterator[str]:
    """Segments and playlists by turns, of one session after the other; one in twenty comes from the origin."""
    chance = random.Random(3)
    for number in range(lines):
        cache = "MISS" if chance.random() < 0.05 else "HIT"
        status = 404 if chance.random() < 0.005 else 200
        yield _line(number // 2, number // 2 % streams, number % 2 == 1, cache, status, 1 + number // (40 * streams))


def _line(session: int, stream: int, playlist: bool, cache: str, status: int, segment: int) -> str:
    name, variant = stream_name(stream), RENDITIONS[session // 7 % len(RENDITIONS)]
    cmcd = playlist_cmcd(session, name) if playlist else segment_cmcd(session, name, variant, False)
    size, waited = (900 if playlist else 900_000), ("0.012" if cache == "MISS" else "")
    return LINE % (
        *(time.time(), 0.05, size, 600, status, cache, str(status) if waited else "", COUNTRIES[session % 40]),
        *(waited, waited, waited, size if waited else ""),
        *(f"/hls/{name}_{variant}/{'index.m3u8' if playlist else f'{segment}.ts'}", f"CMCD={quote(cmcd, safe='')}"),
        *(session >> 16 & 255, session >> 8 & 255, session & 255, AGENTS[session % len(AGENTS)], size, session),
    )


def _cores(one: Exporter, seconds: float) -> float:
    """CPU seconds a second while nothing is scraped."""
    spent, begun = one.cpu_seconds, time.monotonic()
    time.sleep(seconds)
    return (one.cpu_seconds - spent) / (time.monotonic() - begun)
