"""An edge on another host: a network namespace of its own with a log and a CDN exporter, joined by a cable to cut."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from tests.cdn.scene import nginx_line
from tests.servers import running
from tests.stacks import Running

PORT = 9703
SEGMENT_SECONDS = 2


class FarEdge:
    """The edge of another host; ``written`` are the lines of its log, ``plays`` the players that they tell of."""

    def __init__(self, var: Path, number: int) -> None:
        self.log = var / "log/far.json"
        self.var = var
        self.namespace = f"bfl-{number}"
        self.cable, self.end = f"bfh{number}", f"bft{number}"
        self.here, self.there = (f"10.213.{number % 250}.{host}" for host in (1, 2))
        self.written = 0
        self.plays = 0

    def watch(self, stream: str, players: int) -> None:
        """Let players fetch two segments each, with CMCD, and go."""
        now = time.time()
        for second in (SEGMENT_SECONDS, 0):
            for player in range(self.plays, self.plays + players):
                cmcd = (
                    f"CMCD=br%3D500%2Cbl%3D4000%2Ccid%3D%22{stream}%22%2Cd%3D2000%2Cot%3Dav%2Csid%3D%22far-{player}%22"
                )
                line = nginx_line(f"/hls/{stream}_360p/{second}.ts", args=cmcd, time=now - second, country="DE")
                with self.log.open("ab", buffering=0) as file:
                    file.write(line)
                self.written += 1
        self.plays += players

    def connect(self, up: bool) -> None:
        """Plug the cable in, or pull it at the far end: here nobody is told, packets just get lost."""
        _ip("-n", self.namespace, "link", "set", self.end, "up" if up else "down")

    @contextmanager
    def exporter(self, local: Running) -> Iterator[None]:
        """Its CDN exporter, which hands over to the stack and is scraped by it."""
        environ = {
            "CDN_LISTEN": f"{self.there}:{PORT}",
            "CDN_FILES": f"far=nginx:{self.log}",
            "CDN_START": "beginning",
            "CDN_STATE": str(self.var / "far.db"),
            "CDN_HANDOFF_URL": f"http://{self.here}:{local.config.viewers_metrics_port}/handoff",
            "CDN_HANDOFF_NAME": "far",
        }
        targets = [{"targets": [f"{self.there}:{PORT}"], "labels": {"service": "livestream", "hop": "cdn"}}]
        (self.var / "prometheus/targets/normal/far.yml").write_text(yaml.safe_dump(targets))
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-m", "exporters", "cdn"]
        with running(command, self.var / "log/far.out", environ):
            yield


@contextmanager
def far_edge(var: Path) -> Iterator[FarEdge]:
    """The other host with its cable, removed when the block ends."""
    edge = FarEdge(var, os.getpid() % 100_000)
    edge.log.touch()
    with ExitStack() as ending:
        _ip("netns", "add", edge.namespace)
        ending.callback(_ip, "netns", "del", edge.namespace)
        _ip("link", "add", edge.cable, "type", "veth", "peer", "name", edge.end, "netns", edge.namespace)
        _ip("address", "add", f"{edge.here}/30", "dev", edge.cable)
        _ip("link", "set", edge.cable, "up")
        _ip("-n", edge.namespace, "address", "add", f"{edge.there}/30", "dev", edge.end)
        edge.connect(True)
        yield edge


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
