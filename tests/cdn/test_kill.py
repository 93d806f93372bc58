"""Killed at any point under load, the exporter counts and hands over each line exactly once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.cdn.scene import nginx_line
from tests.cdn.taker import Taker
from tests.servers import free_port, wait_until

KILLS = 8
LINES_A_BURST = 400


class Writer:
    """Appends lines as fast as a busy edge, each with a size of its own, and rotates the log now and then."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer")
        self.written = 0
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rotations = 0
        while not self._stop.is_set():
            now = time.time()
            sizes = range(self.written, self.written + LINES_A_BURST)
            burst = b"".join(nginx_line(size=size, time=now, request_id=f"{size:032x}") for size in sizes)
            with self._log.open("ab", buffering=0) as file:
                file.write(burst[: len(burst) // 2])
                file.write(burst[len(burst) // 2 :])
            self.written += LINES_A_BURST
            if self.written % (LINES_A_BURST * 60) == 0:
                rotations += 1
                self._log.rename(self._log.with_name(f"{self._log.name}.{1_000 - rotations}"))
            self._stop.wait(0.01)


class Exporter:
    """The real process; ``counter`` is what a scrape shows now."""

    def __init__(self, folder: Path, taker: Taker) -> None:
        self._port = free_port()
        self._environ = {
            **{"CDN_LISTEN": f"127.0.0.1:{self._port}", "CDN_FILES": f"edge=nginx:{folder / 'edge.json'}"},
            **{"CDN_START": "beginning", "CDN_STATE": str(folder / "state.db"), "CDN_COMMIT_SECONDS": "0.05"},
            **{"CDN_HANDOFF_URL": taker.url, "CDN_HANDOFF_NAME": "killed"},
        }
        self._log = (folder / "exporter.log").open("ab")

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "exporters", "cdn"]
        return subprocess.Popen(command, env=self._environ, stdout=self._log, stderr=self._log)

    def counters(self) -> dict[str, float]:
        text = requests.get(f"http://127.0.0.1:{self._port}/metrics", timeout=5).text
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith("livestream_cdn_")]
        return {name: float(value) for name, _, value in lines if "_total" in name}

    def close(self) -> None:
        self._log.close()


def has_grown(exporter: Exporter, before: float) -> bool:
    return of(exporter.counters(), "livestream_cdn_requests") > before


def has_all(exporter: Exporter, taker: Taker, lines: int) -> bool:
    return of(exporter.counters(), "livestream_cdn_requests_total") >= lines and len(taker.records()) >= lines


@pytest.fixture
def taker() -> Iterator[Taker]:
    made = Taker()
    yield made
    made.stop()


def of(counters: dict[str, float], family: str) -> float:
    return sum(value for name, value in counters.items() if name.startswith(family))


@pytest.mark.live
def test_kills_at_random_points_neither_lose_nor_repeat_a_line(tmp_path: Path, taker: Taker) -> None:
    chance = random.Random(7)
    exporter = Exporter(tmp_path, taker)
    shown: dict[str, float] = {}
    process = exporter.start()
    wait_until(exporter.counters, "the exporter")  # a log rotated before the first start ever is none of its business
    writer = Writer(tmp_path / "edge.json")
    try:
        for _ in range(KILLS):
            before = of(shown, "livestream_cdn_requests")
            wait_until(partial(has_grown, exporter, before), "growth")
            deadline = time.monotonic() + chance.uniform(0, 0.3)
            while time.monotonic() < deadline:
                now = exporter.counters()
                assert all(now.get(name, 0) >= value for name, value in shown.items()), "a shown counter went back"
                shown = now
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = exporter.start()
        writer.stop()
        with suppress(AssertionError):  # what is missing is told below
            wait_until(partial(has_all, exporter, taker, writer.written), "all lines", 60)
        final = exporter.counters()
    finally:
        writer.stop()
        process.terminate()
        process.wait()
        exporter.close()
    assert of(final, "livestream_cdn_requests_total") == writer.written
    assert of(final, "livestream_cdn_response_bytes_total") == sum(range(writer.written))
    assert sorted(record.bytes for record in taker.records()) == list(range(writer.written))
