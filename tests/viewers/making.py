"""Makes reports and shards for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from exporters.viewers.identity import Pseudonyms
from exporters.viewers.inputs import Tick
from exporters.viewers.records import Records
from exporters.viewers.reports import Report, Viewer
from exporters.viewers.shard import Shard
from exporters.viewers.spool import SpoolReader, SpoolWriter
from exporters.viewers.store import Store

START = 1_795_420_800.0
"""2026-11-23T08:00:00Z"""
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
SOMEBODY = Viewer(7, "203.0.113.0", CHROME, "DE", "", "", True)


def report(session: str = "a", received: float = START, **values: Any) -> Report:
    """A report of CMCD 2 event mode unless told otherwise."""
    fields: dict[str, Any] = {
        "session": session,
        "stream": "demo",
        "transport": "event",
        "version": 2,
        "received": received,
        "time": received,
        "sequence": -1,
        "event": "ps",
        "state": "p",
        "media": False,
        "starved": False,
        "startup": False,
        "buffer": -1.0,
        "duration": -1.0,
        "rate": -1.0,
        "variant": "",
        "latency": -1.0,
        "throughput": -1.0,
        "start_seconds": -1.0,
        "errors": (),
        "dropped_frames": -1,
        "background": -1,
        "cdn": "",
        "kind": "",
        "status": 0,
        "time_to_first_byte": -1.0,
        "interval": -1.0,
        "user": "",
        "viewer": SOMEBODY._replace(identity=hash(session) & 0xFFFFFFFF),
    }
    return Report(**{**fields, **values})


class Clock:
    """A clock that tests set."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Kept:
    """A shard with its folders, which can be killed and started again."""

    def __init__(self, folder: Path, clock: Clock, name: str = "1/1", **settings: Any) -> None:
        self.folder = folder
        self.clock = clock
        self._name = name
        self._settings = settings
        self.start()

    def kill(self) -> None:
        """End as SIGKILL does: files are closed as they are, nothing more is written."""
        self.store._journal.close()
        if self.shard.spool._file is not None:
            self.shard.spool._file.close()
            self.shard.spool._file = None

    def start(self) -> None:
        """Start as a new process would."""
        spool = SpoolWriter(self.folder / "spool", clock=self.clock)
        records = Records(Pseudonyms(self.folder / "state"), self._name)
        self.shard = Shard(spool, records, clock=self.clock, **self._settings)
        self.store = Store(self.folder / "state", self.shard, clock=self.clock)
        self.store.open()

    def tick(self, now: float) -> None:
        """Let time pass."""
        self.clock.now = now
        while self.shard.take([Tick(now)]) == ["more"]:
            pass

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """The distinct rows of a kind that history would store."""
        self.shard.spool.rotate()
        for left in (self.folder / "spool").glob("*.open"):
            left.rename(left.with_suffix(".spool"))
        keys = {
            "session": ("session_id", "joined"),
            "event": ("stream", "event", "event_id"),
            "broadcast": ("stream", "started"),
        }
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for file in SpoolReader(self.folder / "spool").files():
            for record in file.records:
                if record["kind"] == kind:
                    found[tuple(record[name] for name in keys[kind])] = record
        return list(found.values())
