"""Player reports into the session engine: how many a second, in how much memory, and what an expiry of many costs.

Rates are of the compiled modules. Profiles cannot look into these, so they are taken of the same source, interpreted.
"""

from __future__ import annotations

import cProfile
import gc
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from benchmarks.table import Row
from exporters.handoff import Batch, DeliveryRecord
from exporters.viewers import cmcd
from exporters.viewers.addresses import TrustedProxies
from exporters.viewers.admission import Admission
from exporters.viewers.geo import Geography
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.intake import Client, Intake
from exporters.viewers.limits import RateLimit
from exporters.viewers.public import PublicApp
from exporters.viewers.public_server import PublicServer
from exporters.viewers.records import Records
from exporters.viewers.shard import Shard
from exporters.viewers.spool import SpoolWriter
from exporters.viewers.store import Store
from exporters.viewers.translate import CmcdTranslator
from exporters.viewers.viewers import ViewerResolver

START = 1_795_420_800.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
QUERY = (
    'bl=4100,br=2096,cid="demo",d=2000,dl=4100,mtp=113600,nor="demo_720p-31.ts",ot=av,rtp=10500,sf=h,'
    'sid="{:08d}-aaaa-4bbb-8ccc-111111111111",st=l,tb=2096'
)
EVENT = (
    'bl=(6000),br=(2096),cid="demo",e=t,mtp=(92800),sf=h,sid="{:08d}-aaaa-4bbb-8ccc-222222222222",sn={},st=l,sta=p,'
    "ts={},v=2"
)
STAGES = {
    "parse": ("cmcd.py", "beacons.py", "translate.py", "handoff.py"),
    "engine": (
        "engine.py", "facts.py", "audience.py", "broadcast.py", "clocks.py", "inference.py", "losses.py", "patience.py",
        "roster.py", "sequences.py", "standing.py", "wheel.py",
    ),
    "settling": ("timeline.py", "ledger.py"),
    "journal": ("journal.py", "inputs.py"),
    "intake": ("intake.py", "deliveries.py", "admission.py", "limits.py", "viewers.py", "shard.py"),
}  # fmt: skip
PROFILES = """
from benchmarks import interpreted
interpreted.prefer_source()
import json, sys
from benchmarks import reports
print(json.dumps(reports.profiles(int(sys.argv[1]))))
"""
WRK_SCRIPT = Path(__file__).with_name("post_reports.lua")
HTTP_SESSIONS = 5_000


class Setting:
    """A shard with its journal on disk and an intake in front of it, on a clock of its own unless one is given."""

    def __init__(self, folder: Path, clock: Callable[[], float] | None = None) -> None:
        self.time = START
        clock = clock or (lambda: self.time)
        pseudonyms = Pseudonyms(folder / "state")
        self.shard = Shard(SpoolWriter(folder / "spool"), Records(pseudonyms, "1/1"), clock=clock)
        self.store = Store(folder / "state", self.shard, clock=clock)
        self.store.open()
        self.intake = Intake(
            self.shard,
            Admission("VIEWERS_STREAMS", ("*",), lambda: None),
            ViewerResolver(pseudonyms, Geography("VIEWERS_GEO_DATABASE", "")),
            CmcdTranslator(("_720p",)),
            RateLimit(0, 0),
            RateLimit(0, 0),
            clock=clock,
        )
        self._sequence = 0

    def logs(self, sessions: range) -> None:
        """One segment request of each session, by CMCD 1 in the edge's log, 500 a batch."""
        for start in range(sessions.start, sessions.stop, 500):
            self._sequence += 1
            records = [
                DeliveryRecord(
                    self.time, "nginx", "demo", "segment", "720p", 200, 500_000, 0.1,
                    f"100.{number >> 16 & 63}.{number >> 8 & 255}.{number & 255}", AGENT.format(100 + number % 40),
                    "DE", "", QUERY.format(number),
                )
                for number in range(start, min(start + 500, sessions.stop))
            ]  # fmt: skip
            self._timed(self.intake.handoff, Batch("edge", self._sequence, records))

    def events(self, sessions: range, turn: int) -> None:
        """One interval report of each session, by CMCD 2 event mode, ten a request."""
        client = Client("100.64.0.1", AGENT.format(120), "DE")
        for start in range(sessions.start, sessions.stop, 10):
            lines = [EVENT.format(number, turn, int(self.time * 1000)) for number in range(start, start + 10)]
            self._timed(self.intake.cmcd_lines, "\n".join(lines).encode(), client)

    def beacons(self, sessions: range, turn: int) -> None:
        """One JSON beacon of each session, ten a request."""
        client = Client("100.64.0.1", AGENT.format(120), "DE")
        for start in range(sessions.start, sessions.stop, 10):
            self._timed(self.intake.beacons, _beacons(range(start, start + 10), turn, self.time), client)

    spent = 0.0
    """CPU seconds of reading and applying, without making the input"""

    def _timed(self, function: Callable[..., object], *arguments: object) -> None:
        begun = time.process_time()
        function(*arguments)
        self.spent += time.process_time() - begun


def _beacons(sessions: range, turn: int, now: float) -> bytes:
    """The body that tells of each of these sessions."""
    rows = [
        {
            "stream": "demo", "session": f"{number:08d}-beacon", "seq": turn, "time": now * 1000,
            "state": "playing", "interval": 5, "hidden": False, "bufferSeconds": 6.1, "variant": "720p",
            "bitsPerSecond": 2096000, "latencySeconds": 4.2, "throughputBitsPerSecond": 92800000,
        }
        for number in sessions
    ]  # fmt: skip
    return orjson.dumps(rows)


def run(quick: bool) -> list[Row]:
    """Rates a core (the best of several rounds, for the cores are shared), memory, and the longest wait of ingest."""
    gc.set_threshold(100_000, 50, 100)
    many = 20_000 if quick else 200_000
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_rates(Path(folder) / "rates", 4_000 if quick else 10_000))
        rows += over_http(Path(folder) / "http", 2 if quick else 10)
    with tempfile.TemporaryDirectory() as folder:
        rows += _memory_and_expiry(Path(folder), many)
    return rows


KINDS: dict[str, Callable[[Setting, range, int], None]] = {
    "CMCD 1 in log records": lambda setting, sessions, turn: setting.logs(sessions),
    "CMCD 2 events": lambda setting, sessions, turn: setting.events(sessions, turn),
    "JSON beacons": lambda setting, sessions, turn: setting.beacons(sessions, turn),
}

READING: dict[str, tuple[Callable[[Any], object], Callable[[int], str | bytes]]] = {
    "CMCD 1 in log records": (cmcd.parse, lambda number: QUERY.format(number)),
    "CMCD 2 events": (cmcd.parse, lambda number: EVENT.format(number, 1, int(START * 1000))),
    "JSON beacons": (orjson.loads, lambda number: _beacons(range(number, number + 1), 1, START)),
}
"""Of each kind: what splits a report's text into keys and values, which nothing that takes reports can do without."""


def _rates(folder: Path, sessions: int) -> Iterator[Row]:
    child = [sys.executable, "-c", PROFILES, str(sessions)]
    shares = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout)
    for name, send in KINDS.items():
        setting = Setting(folder / name.replace(" ", "-"))
        best = limit = 0.0
        for turn in range(6):
            limit = max(limit, _reading(name, sessions))
            setting.time += 2
            setting.spent = 0.0
            send(setting, range(sessions), turn)
            if turn:  # the first round opens the sessions
                best = max(best, sessions / setting.spent)
        setting.store.close()
        peer = f"reading their text alone {limit:,.0f}"
        yield Row(f"{name}, a core", best, "reports/s", "≥ 50,000", peer, f"interpreted: {shares[name]}")


def _reading(name: str, sessions: int) -> float:
    """How many reports a CPU second could be read if nothing came of them."""
    read, made = READING[name]
    texts = [made(number) for number in range(sessions)]
    begun = time.process_time()
    for text in texts:
        read(text)
    return sessions / (time.process_time() - begun)


def profiles(sessions: int) -> dict[str, str]:
    """Where the time of each kind of report goes; for the interpreted source."""
    found = {}
    for name, send in KINDS.items():
        with tempfile.TemporaryDirectory() as folder:
            setting = Setting(Path(folder))
            profile = cProfile.Profile()
            send(setting, range(sessions), 0)
            setting.time += 2
            profile.runcall(send, setting, range(sessions), 1)
            setting.store.close()
            found[name] = _shares(profile)
    return found


def over_http(folder: Path, seconds: int) -> Iterator[Row]:
    """The public port with wrk in front: reports per CPU second of the server."""
    setting = Setting(folder, time.time)
    app = PublicApp(setting.intake, TrustedProxies("VIEWERS_TRUSTED_PROXIES", ()), lambda reason: None)
    server = PublicServer(app, ("127.0.0.1", 0), "VIEWERS_PUBLIC_LISTEN")
    server.start()
    for name, lines, kind in (("CMCD 2 events", 10, "cmcd"), ("CMCD 2 events", 1, "cmcd"), ("beacons", 1, "beacon")):
        command = ["wrk", "-t1", "-c32", f"http://127.0.0.1:{server.port}", "-s", str(WRK_SCRIPT)]
        arguments = ["--", str(HTTP_SESSIONS), str(lines), kind]
        subprocess.run([*command, "-d1s", *arguments, "0"], check=True, capture_output=True)  # opens the sessions
        taken, spent = _taken(setting), time.process_time()
        subprocess.run([*command, f"-d{seconds}s", *arguments, "1000000"], check=True, capture_output=True)
        taken, spent = _taken(setting) - taken, time.process_time() - spent
        note = f"{taken / lines / spent:,.0f} requests a CPU second of the server"
        yield Row(f"{name} over HTTP, {lines} a request, a core", taken / spent, "reports/s", "", "", note)
    server.stop()
    setting.store.close()


def _taken(setting: Setting) -> float:
    return sum(value for _, value in setting.shard.tables.reports.items())


def _shares(profile: cProfile.Profile) -> str:
    """Where the time goes, by the module it is spent in."""
    seconds = dict.fromkeys([*STAGES, "built-in"], 0.0)
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    for (path, _, _), (_, _, own, _, _) in stats.items():
        stage = next((name for name, files in STAGES.items() if Path(path).name in files), "")
        if stage or path == "~":
            seconds[stage or "built-in"] += own
    whole = sum(seconds.values())
    return ", ".join(
        f"{name} {100 * own / whole:.0f} %" for name, own in sorted(seconds.items(), key=lambda row: -row[1])
    )


def _memory_and_expiry(folder: Path, sessions: int) -> Iterator[Row]:
    gc.collect()
    before = _resident()
    setting = Setting(folder)
    for _ in range(3):
        setting.time += 2
        setting.logs(range(sessions))
    gc.collect()
    grown = (_resident() - before) / 1e6
    live = len(setting.shard.engine.sessions)
    yield Row(f"{live:,} live sessions", grown, "MB", "≤ 400 MB at 200,000", "", f"{grown * 1e6 / live:.0f} B each")
    yield _expiry(setting, live)
    begun = time.process_time()
    setting.store.close()
    yield Row("checkpoint of what is left", time.process_time() - begun, "s CPU")


def _expiry(setting: Setting, sessions: int) -> Row:
    """The longest that a report waits while all these sessions expire."""
    setting.time += 120
    done = threading.Event()

    def expire() -> None:
        setting.shard.tick()
        done.set()

    waits: list[float] = []
    worker = threading.Thread(target=expire)
    worker.start()
    number = 10_000_000
    while not done.is_set():
        begun = time.perf_counter()
        setting.logs(range(number, number + 1))
        waits.append(time.perf_counter() - begun)
        number += 1
        time.sleep(0.001)
    worker.join()
    waits.sort()
    note = f"{len(waits):,} reports meanwhile, median {waits[len(waits) // 2] * 1000:.1f} ms"
    return Row(f"longest wait while {sessions:,} expire", waits[-1] * 1000, "ms", "no pause", "", note)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()
