"""An edge on another host, with a log and a CDN exporter."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.cdn.scene import nginx_line
from tests.far_host import FarHost
from tests.servers import running
from tests.stacks import Running

PORT = 9703
SEGMENT_SECONDS = 2


class FarEdge:
    """The edge of another host; ``written`` are the lines of its log, ``plays`` the players that they tell of."""

    def __init__(self, var: Path, host: FarHost) -> None:
        self.host = host
        self.log = var / "log/far.json"
        self.var = var
        self.written = 0
        self.plays = 0
        self.log.touch()

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

    @contextmanager
    def exporter(self, local: Running) -> Iterator[None]:
        """Its CDN exporter, which hands over to the stack and is scraped by it."""
        environ = {
            "CDN_LISTEN": f"{self.host.there}:{PORT}",
            "CDN_FILES": f"far=nginx:{self.log}",
            "CDN_START": "beginning",
            "CDN_STATE": str(self.var / "far.db"),
            "CDN_HANDOFF_URL": f"http://{self.host.here}:{local.config.viewers_metrics_port}/handoff",
            "CDN_HANDOFF_NAME": "far",
        }
        targets = [{"targets": [f"{self.host.there}:{PORT}"], "labels": {"service": "livestream", "hop": "cdn"}}]
        (self.var / "prometheus/targets/normal/far.yml").write_text(yaml.safe_dump(targets))
        command = [*self.host.enter, sys.executable, "-m", "exporters", "cdn"]
        with running(command, self.var / "log/far.out", environ):
            yield
