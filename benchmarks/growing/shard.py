"""One shard of the session engine at a size, in a process of its own: memory, CPU a record, and its page.

``python -m benchmarks.growing.shard SESSIONS STREAMS FOLDER`` takes hand-off batches through the exporter's own route,
on a clock of its own so that a slow machine loses no session. It prints what it measured as JSON and leaves two pages
of /metrics in the folder, one interval of the audience apart.
"""

from __future__ import annotations

import gc
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from benchmarks.growing.scenario import (
    AGENTS,
    RENDITIONS,
    SEGMENT_SECONDS,
    address,
    countries,
    in_batches,
    playlist_cmcd,
    segment_cmcd,
    stream_name,
)
from benchmarks.processes import process_usage
from benchmarks.reports import Setting
from exporters.collecting import GuardedCollectors
from exporters.exposition import TEXT_TYPE
from exporters.handoff import Batch, DeliveryRecord, write_batch
from exporters.server import MetricsPage, Request
from exporters.viewers.gauges import ViewerCollector
from exporters.viewers.intake import Client
from exporters.viewers.internal import InternalRoutes
from exporters.viewers.peers import SketchExchange

BATCH = 500
ROUNDS = 2
SCRAPES = 3


class FilledShard:
    """A shard whose sessions all report once an interval."""

    def __init__(self, folder: Path, sessions: int, streams: int) -> None:
        self.setting = Setting(folder)
        self.sessions, self.streams = sessions, streams
        self._routes = InternalRoutes(self.setting.intake)
        self._countries = countries(sessions)
        self._sequence = 0
        self.page = MetricsPage(
            "viewers",
            GuardedCollectors(
                "viewers", [ViewerCollector(self.setting.shard, SketchExchange(self.setting.shard, ()))], 60.0
            ),
        )

    def interval(self, first: bool = False) -> tuple[int, float]:
        """Each session asks for a segment and, but at first, for a playlist; gives records and CPU seconds."""
        self.setting.time += SEGMENT_SECONDS
        records, spent = 0, 0.0
        for numbers in in_batches(self.sessions, BATCH):
            rows = [row for number in numbers for row in self._records(number, first)]
            self._sequence += 1
            body = write_batch(Batch("edge", self._sequence, rows))
            records += len(rows)
            begun = time.process_time()
            reply = self._routes.handoff(Request("POST", "", {}, body, "127.0.0.1"))
            spent += time.process_time() - begun
            if reply.status != 200:
                raise RuntimeError(f"the shard answered {reply.status}: {reply.body!r}")
        return records, spent

    def _records(self, number: int, first: bool) -> Iterator[DeliveryRecord]:
        stream, variant = stream_name(number % self.streams), RENDITIONS[number // self.streams % len(RENDITIONS)]
        who = (address(number), AGENTS[number // 7 % len(AGENTS)], self._countries[number], "")
        at, cmcd = self.setting.time, segment_cmcd(number, stream, variant, first)
        yield DeliveryRecord(at, "nginx", stream, "segment", variant, 200, 900_000, 0.1, *who, cmcd)
        if not first:
            yield DeliveryRecord(
                at, "nginx", stream, "media", variant, 200, 900, 0.01, *who, playlist_cmcd(number, stream)
            )

    def tell(self) -> None:
        """One beacon and one app event a stream, so that no series is missing that only these fill."""
        client = Client("100.64.0.1", AGENTS[0], "DE")
        now = self.setting.time * 1000
        for number in range(self.streams):
            beacon = {
                "stream": stream_name(number), "session": f"beacon-{number}", "seq": 0, "time": now,
                "state": "playing", "interval": 10, "hidden": False, "bufferSeconds": 6.1, "variant": "720p",
                "bitsPerSecond": 3_000_000, "latencySeconds": 4.2, "startupSeconds": 1.1,
            }  # fmt: skip
            event = {"streamId": stream_name(number), "eventType": "chat_message", "userId": f"u{number}"}
            self.setting.intake.beacons(orjson.dumps(beacon), client)
            self.setting.intake.app_events(orjson.dumps({**event, "timestamp": now}), client)

    def scrape(self) -> tuple[bytes, bytes, float]:
        """The page, the page as it is sent, and the CPU seconds of both."""
        begun = time.process_time()
        page, _ = self.page.render(TEXT_TYPE)
        sent = gzip.compress(page, 1)
        return page, sent, time.process_time() - begun


def measure(pages: Path, state: Path, sessions: int, streams: int) -> dict[str, float]:
    """Fill a shard and look at it; one session of each stream sends beacons, the others are in the log."""
    gc.set_threshold(100_000, 50, 100)
    shard = FilledShard(state, sessions - streams, streams)
    shard.tell()
    _, opening = shard.interval(first=True)
    rounds = [shard.interval() for _ in range(ROUNDS)]
    begun = time.process_time()
    shard.setting.store.checkpoint()
    checkpoint = time.process_time() - begun
    shard.scrape()
    scrapes = []
    for name in ("a", "b"):
        shard.interval()
        scrapes.append(shard.scrape())
        (pages / f"{name}.txt").write_bytes(scrapes[-1][0])
    live = len(shard.setting.shard.engine.sessions)
    if live < sessions:
        raise RuntimeError(f"{live} of {sessions} sessions are alive")
    gc.collect()
    page, sent, _ = scrapes[-1]
    found = {
        "sessions": live,
        "streams": streams,
        "memory_mb": process_usage(os.getpid()).anonymous * 2**20 / 1e6,
        "open_us": 1e6 * opening / shard.sessions,
        "record_us": 1e6 * sum(spent for _, spent in rounds) / sum(records for records, _ in rounds),
        "checkpoint_s": checkpoint,
        "series": sum(1 for line in page.splitlines() if not line.startswith(b"#")),
        "page_mb": len(page) / 1e6,
        "sent_mb": len(sent) / 1e6,
        "scrape_ms": 1e3 * min(spent for _, _, spent in scrapes),
    }
    shard.setting.store.close()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as state:
        print(json.dumps(measure(Path(sys.argv[3]), Path(state), int(sys.argv[1]), int(sys.argv[2]))))
