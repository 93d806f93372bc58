"""What one million viewers on 2,000 streams need: each part measured at several sizes, and a line to that size.

Each stream has an equal audience, each viewer asks for a segment and a playlist each 4 s. The shard of the session
engine, the exporters, Prometheus under the project's own rules, the bridge, the recorder's parts and PostgreSQL are the
real ones; media servers, playlists and log lines are made up. Prometheus scrapes pages that these exporters gave, with
values that go on changing. All points are kept in ``var/benchmarks/growth/points.json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks import reports
from benchmarks.growing import history, probed, sizing, stored
from benchmarks.growing.estimates import Estimate
from benchmarks.growing.kept import keep
from benchmarks.growing.probed import Found
from benchmarks.growing.scenario import CELL_SHARDS, CELLS, SHARDS, STREAMS, VIEWERS
from benchmarks.growing.stored import Platform
from benchmarks.table import Row

A_SHARD = VIEWERS // SHARDS
CELL_STREAMS = STREAMS // CELLS


@dataclass(frozen=True)
class Plan:
    """The sizes that are measured, and for how long."""

    shards: tuple[tuple[int, int], ...] = (
        *((25_000, 100), (50_000, 500), (100_000, 500), (200_000, 500)),
        *((50_000, STREAMS), (A_SHARD, STREAMS)),
    )
    """sessions and streams; pages are kept of the last one with so many streams"""
    streams: tuple[int, ...] = (100, CELL_STREAMS, STREAMS)
    playlists: tuple[tuple[int, int], ...] = ((100, 4), (300, 4), (CELL_STREAMS, 4), (STREAMS, 30))
    """streams and the length of their segments: 2,000 streams of 4 s are more than one process follows"""
    lines: int = 120_000
    platforms: tuple[tuple[int, int], ...] = ((100, 1), (CELL_STREAMS, 1), (CELL_STREAMS, CELL_SHARDS), (STREAMS, 1))
    """streams and shards"""
    victorias: tuple[tuple[int, int], ...] = ((100, 1), (CELL_STREAMS, CELL_SHARDS), (STREAMS, 1))
    ended: int = 40_000
    days: tuple[int, ...] = (1, 2, 3)
    sessions_a_day: int = history.SESSIONS_A_DAY
    minutes: int = 120_000
    seconds: float = 10.0
    asked_seconds: float = 30.0


QUICK = Plan(
    shards=((2_000, 20), (4_000, 20), (4_000, 40)),
    streams=(20, 40),
    playlists=((20, 4), (40, 4)),
    lines=10_000,
    platforms=((20, 1), (40, 1)),
    victorias=((20, 1), (40, 2)),
    ended=4_000,
    days=(1, 2),
    sessions_a_day=2_000,
    minutes=10_000,
    seconds=2.0,
    asked_seconds=6.0,
)


def run(quick: bool) -> list[Row]:
    """Measure every part, keep what was found, and give the estimates."""
    with tempfile.TemporaryDirectory(prefix="benchmark-growth-") as name:
        Path(name).chmod(0o755)
        found = Measuring(Path(name), QUICK if quick else Plan()).all()
    keep(found, quick)
    return [_row(one) for one in sizing.estimates(found)]


def _row(one: Estimate) -> Row:
    note = f"{one.known}; {one.means}" if one.means else one.known
    return Row(f"{one.part}: {one.what}", one.value, one.unit, "", "", f"{note}; {one.law.text(one.unit)}")


class Measuring:
    """Measures the parts one after the other, each in a folder of its own."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self._folder = folder
        self._plan = plan
        self._pages = folder / "pages"

    def all(self) -> dict[str, list[Found]]:
        """Every part's points; exporters come first, for Prometheus scrapes the pages they leave."""
        plan, asked, platforms = self._plan, self._plan.asked_seconds, self._plan.platforms
        return {
            "shard": [self._told("shard", self._shard, *sizes) for sizes in plan.shards],
            "http": [self._told("http", self._http)],
            "rtmp": [self._told("rtmp", probed.rtmp, self._kept(n, "rtmp"), n, plan.seconds) for n in plan.streams],
            "hls": [
                self._told("hls", probed.hls, self._kept(n, "hls"), n, plan.seconds, length)
                for n, length in plan.playlists
            ],
            "cdn": [self._told("cdn", probed.cdn, self._kept(n, "cdn"), n, plan.lines) for n in plan.streams],
            "prometheus": [
                self._told("prometheus", stored.asked, self._platform(*sizes), self._new(), asked)
                for sizes in platforms
            ],
            "disk": [self._told("disk", stored.disk, self._platform(*platforms[0]), self._new(), asked)],
            "victoria": [
                self._told("victoria", stored.victoria, self._platform(*sizes), self._new(), asked)
                for sizes in plan.victorias
            ],
            "ended": [self._told("ended", history.pace, self._new(), plan.ended)],
            "days": [self._told("days", history.day, self._new(), n, plan.sessions_a_day) for n in plan.days],
            "minutes": [self._told("minutes", history.minutes, self._new(), plan.minutes, plan.streams[-1])],
        }

    def _told(self, name: str, measure: Callable[..., Found], *arguments: object) -> Found:
        found = measure(*arguments)
        click.echo(f"{name}: {json.dumps({key: round(value, 4) for key, value in found.items()})}")
        return found

    def _shard(self, sessions: int, streams: int) -> Found:
        folder = self._kept(streams, "viewers")
        command = [sys.executable, "-m", "benchmarks.growing.shard", str(sessions), str(streams), str(folder)]
        found: Found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        return found

    def _http(self) -> Found:
        rows = {row.name: row.value for row in reports.over_http(self._new(), round(self._plan.seconds))}
        return {
            "beacon_us": 1e6 / rows["beacons over HTTP, 1 a request, a core"],
            "event_us": 1e6 / rows["CMCD 2 events over HTTP, 1 a request, a core"],
        }

    def _platform(self, streams: int, shards: int) -> Platform:
        return Platform(self._pages / str(streams), streams, shards)

    def _kept(self, streams: int, hop: str) -> Path:
        folder = self._pages / str(streams) / hop
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _new(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))
