"""Real query backends that hold every family: Prometheus 2 and 3 with history and live scrapes, and VictoriaMetrics."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.prometheus.feed import write_targets
from tests.prometheus.rulefiles import PROMETHEUS
from tests.servers import free_port, instant, prometheus, running, wait_until

FAST = re.compile(r"(interval|timeout): \d+[sm]\b")
SECOND_SCRAPE = "cluster:livestream_rtmp_stream_receive_bytes:rate1m"
LAST_RECORDED = "slo:livestream_error_budget_remaining:ratio"


def configuration(folder: Path, feed_port: int) -> str:
    """The project's own configuration and rules, with everything done each second; target files are written too."""
    shutil.copytree(PROMETHEUS / "rules", folder / "rules")
    for path in (folder / "rules").glob("*.yml"):
        path.write_text(FAST.sub(r"\1: 1s", path.read_text("utf-8")), encoding="utf-8")
    write_targets(folder, feed_port)
    return FAST.sub(r"\1: 1s", (PROMETHEUS / "prometheus.yml").read_text("utf-8"))


def history_blocks(folder: Path, text: str) -> Path:
    """Prometheus blocks made of OpenMetrics text."""
    folder.mkdir(parents=True)
    (folder / "history.om").write_text(text, encoding="utf-8")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "history.om", "blocks"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "blocks"


@contextmanager
def filled_prometheus(folder: Path, feed_port: int, blocks: Path, binary: str, write_to: str = "") -> Iterator[str]:
    """A Prometheus with history that scrapes the feed and has evaluated every rule; yields its URL."""
    folder.mkdir(parents=True)
    shutil.copytree(blocks, folder / "data")
    port = free_port()
    config = configuration(folder, feed_port).replace("127.0.0.1:9090", f"127.0.0.1:{port}")
    if write_to:
        config += f"remote_write:\n  - url: {write_to}/api/v1/write\n"
    with prometheus(folder, config, port, binary, retention="30d") as url:
        wait_until(lambda: len(instant(url, LAST_RECORDED)) == 6, "all rules of Prometheus", 60)
        wait_until(lambda: len(instant(url, 'up{service="livestream"} == 1')) == 5, "all hops")
        wait_until(lambda: instant(url, SECOND_SCRAPE), "rates over a minute, of which history has one sample")
        yield url


@contextmanager
def victoria_metrics(folder: Path, flags: Sequence[str] = ("-memory.allowedBytes=256MB",)) -> Iterator[str]:
    """A VictoriaMetrics that answers with what was written a second ago; yields its URL."""
    folder.mkdir(parents=True)
    port = free_port()
    command = [
        "victoria-metrics",
        f"-storageDataPath={folder / 'data'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-search.latencyOffset=1s",
        *flags,
    ]
    with running(command, folder / "victoria.log"):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: requests.get(f"{url}/health", timeout=2).ok, "VictoriaMetrics")
        yield url
