"""Tests of the recorder as a process of its own: whatever is killed, nothing is lost and nothing is doubled.

Prometheus is given hours of recorded series as blocks, which the recorder then has to store as if it had been away.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from tests import servers
from tests.bridge.history.conftest import FAST
from tests.bridge.history.made import event, session, spool
from tests.far_host import FarHost, far_host, may_break

pytestmark = pytest.mark.live
HOURS = 6
STREAMS = 5
CONFIG = "global: {scrape_interval: 1m}\n"
ROOT = Path(__file__).parents[3]


def value(stream: int, minute: int) -> int:
    """The viewers of a stream in a minute: different everywhere, exact as a 4-byte float."""
    return stream * 10_000 + minute


def make_blocks(folder: Path, last: int) -> None:
    """Recorded viewers of each stream for HOURS up to ``last`` (Unix seconds), as Prometheus's own blocks.

    A sample in the middle of each minute is that minute's mean, peak, and only sample.
    """
    lines = ["# TYPE stream:livestream_viewer_concurrent:sum gauge"]
    for stream in range(STREAMS):
        for minute in range(HOURS * 60):
            at = last - (HOURS * 60 - minute) * 60 + 30
            lines.append(f'stream:livestream_viewer_concurrent:sum{{stream="s{stream}"}} {value(stream, minute)} {at}')
    text = folder / "recorded.txt"
    text.write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    promtool = shutil.which("promtool") or "promtool"
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True)


class Stage:
    """The processes of a test, each of which can be killed and started again on its port; one recorder may be far."""

    def __init__(self, folder: Path, far: FarHost | None = None) -> None:
        self.folder = folder
        self.far = far
        self.ports = {name: servers.free_port() for name in ("postgres", "prometheus", "recorder", "standby")}
        self.last = int(time.time()) // 60 * 60
        self.spool = folder / "spool"
        self.stack: dict[str, ExitStack] = {}
        (folder / "prometheus").mkdir()
        make_blocks(folder / "prometheus", self.last)

    @property
    def url(self) -> str:
        return f"postgresql://analytics@127.0.0.1:{self.ports['postgres']}/analytics"

    def start_postgres(self) -> None:
        settings = list(FAST)
        if self.far:
            (self.folder / "hba.conf").write_text(self.far.admission())
            settings += [f"listen_addresses=127.0.0.1,{self.far.here}", f"hba_file={self.folder}/hba.conf"]
        self._enter("postgres", servers.postgres(self.folder, settings=settings, port=self.ports["postgres"]))

    def start_prometheus(self) -> None:
        listen = "0.0.0.0" if self.far else "127.0.0.1"
        made = servers.prometheus(self.folder / "prometheus", CONFIG, port=self.ports["prometheus"], listen=listen)
        self._enter("prometheus", made)

    def start_recorder(self, name: str = "recorder") -> subprocess.Popen[bytes]:
        environ = {
            "DATABASE_URL": self.url,
            "PROMETHEUS_URL": f"http://127.0.0.1:{self.ports['prometheus']}",
            "RECORDER_METRICS_LISTEN": f"127.0.0.1:{self.ports[name]}",
            "RECORDER_SPOOL_DIR": str(self.spool),
            "RECORDER_FIRST_HOURS": str(HOURS + 1),
            "RECORDER_CHUNK_MINUTES": "5",
            "RECORDER_TAKEOVER_SECONDS": "0.5",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "bridge", "record"]
        if self.far and name == "recorder":
            command = [*self.far.enter, *command]
            environ = {key: value.replace("127.0.0.1", self.far.here) for key, value in environ.items()}
            environ["RECORDER_METRICS_LISTEN"] = f"{self.far.there}:{self.ports[name]}"
        running = servers.running(command, self.folder / f"{name}.log", environ)
        process: subprocess.Popen[bytes] = self._enter(name, running)
        return process

    def kill(self, name: str) -> None:
        """End a process at once, with SIGKILL, and clear up what was around it."""
        for pid in self._pids(name):
            os.kill(pid, signal.SIGKILL)
        self.stack.pop(name).close()

    def stored(self) -> dict[tuple[str, int], float]:
        """Every stored minute of a stream, by its number counted from the first made one."""
        first = self.last - HOURS * 3600
        with psycopg.connect(self.url) as connection:
            rows = connection.execute(
                "SELECT stream, extract(epoch FROM at)::bigint, viewers FROM stream_minutes WHERE stream NOT LIKE '@%'"
            ).fetchall()
        assert len(rows) == len({row[:2] for row in rows})
        return {(stream, (at - first) // 60): viewers for stream, at, viewers in rows}

    def reached(self) -> int:
        """How many minutes are stored."""
        try:
            return len(self.stored())
        except psycopg.Error:
            return 0

    def close(self) -> None:
        for name in ("standby", "recorder", "prometheus", "postgres"):
            if name in self.stack:
                self.stack.pop(name).close()

    def _enter(self, name: str, context: object) -> object:
        stack = self.stack[name] = ExitStack()
        return stack.enter_context(context)  # type: ignore[arg-type]

    def _pids(self, name: str) -> list[int]:
        port = str(self.ports[name])
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().split(b"\0")
                environ = (folder / "environ").read_bytes()
            except (OSError, ValueError):
                continue
            own = f"RECORDER_METRICS_LISTEN=127.0.0.1:{port}".encode() in environ
            told = any(port.encode() == part or part.endswith(f":{port}".encode()) for part in command)
            if (own and name in ("recorder", "standby")) or (told and name in ("postgres", "prometheus")):
                found.append(int(folder.name))
        assert found, f"{name} does not run"
        return found


@contextmanager
def stage(folder: Path, far: FarHost | None = None) -> Iterator[Stage]:
    made = Stage(folder, far)
    try:
        made.start_postgres()
        made.start_prometheus()
        yield made
    finally:
        made.close()


EXPECTED = {(f"s{stream}", minute): float(value(stream, minute)) for stream in range(STREAMS) for minute in range(360)}


def test_what_is_killed_leaves_no_gap_and_no_double(tmp_path: Path) -> None:
    """Recorder, database and Prometheus are killed one after the other while hours are being stored."""
    with stage(tmp_path) as made:
        made.start_recorder()
        for number, name in enumerate(("recorder", "postgres", "prometheus"), start=1):
            goal = len(EXPECTED) * number // 5
            servers.wait_until(lambda goal=goal: made.reached() >= goal, f"{goal} minutes", 120)  # type: ignore[misc]
            made.kill(name)
            getattr(made, f"start_{name}")()
        expect_each_minute_once(made)


def test_spooled_records_are_stored_once_whatever_is_killed(tmp_path: Path) -> None:
    with stage(tmp_path) as made:
        now = time.time()
        for number in range(40):
            records = [
                session(number * 100 + one, joined=now - 5000 + number * 100 + one, left=now) for one in range(100)
            ]
            spool(made.spool, [*records, event(number, time=now - 60)], f"part{number:02d}")
        made.start_recorder()
        servers.wait_until(lambda: len(list(made.spool.glob("*.spool"))) < 40, "a first file", 60)
        made.kill("recorder")
        again = [session(one, joined=now - 5000 + one, left=now) for one in range(100)]
        spool(made.spool, again, "written-again-after-a-crash")
        made.start_recorder()
        servers.wait_until(lambda: not list(made.spool.iterdir()), "an empty spool", 60)
        with psycopg.connect(made.url) as connection:
            counts = connection.execute("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM events)")
            assert counts.fetchone() == (4000, 40)
            sums = connection.execute(
                "SELECT sum(sessions), sum(watch_seconds) FROM session_days WHERE scope = '@' AND dimension = 'total'"
            )
            assert sums.fetchone() == (4000, 4000 * 90.25)


def test_a_standby_takes_over_from_a_killed_recorder(tmp_path: Path) -> None:
    with stage(tmp_path) as made:
        made.start_recorder()
        active = f"http://127.0.0.1:{made.ports['recorder']}/metrics"
        standby = f"http://127.0.0.1:{made.ports['standby']}/metrics"
        servers.wait_until(lambda: "livestream_bridge_history_active 1" in page(active), "the first to be active", 60)
        made.start_recorder("standby")
        servers.wait_until(lambda: "livestream_bridge_history_active 0" in page(standby), "the standby to wait", 60)
        made.kill("recorder")
        servers.wait_until(
            lambda: "livestream_bridge_history_active 1" in page(standby), "the standby to take over", 15
        )


@pytest.mark.skipif(not may_break(), reason="networks can be made by root alone")
def test_a_cut_network_leaves_no_gap_and_no_double(tmp_path: Path) -> None:
    """The recorder is cut off while hours are being stored: first alone, then while another takes over."""
    with far_host() as far, stage(tmp_path, far) as made:
        made.start_recorder()

        def cut(share: float) -> int:
            goal = round(len(EXPECTED) * share)
            servers.wait_until(lambda: made.reached() >= goal, f"{goal} minutes", 120)
            told = given_up(made)
            far.connect(False)
            servers.wait_until(lambda: given_up(made) > told, "the recorder to give its connection up", 60)
            return made.reached()

        at_rest = cut(0.2)
        assert made.reached() == at_rest < len(EXPECTED)
        far.connect(True)
        servers.wait_until(lambda: made.reached() > at_rest, "the recorder to go on", 60)
        at_rest = cut(0.4)
        assert at_rest < len(EXPECTED)
        made.start_recorder("standby")
        servers.wait_until(lambda: made.reached() > at_rest, "the standby to go on", 60)
        far.connect(True)
        expect_each_minute_once(made)


def expect_each_minute_once(made: Stage) -> None:
    servers.wait_until(lambda: made.reached() >= len(EXPECTED), "all minutes", 120)
    assert {key: viewers for key, viewers in made.stored().items() if key[1] < 360} == EXPECTED
    with psycopg.connect(made.url) as connection:
        sums = connection.execute(
            "SELECT sum(minutes), sum(viewer_minutes) FROM stream_days WHERE stream NOT LIKE '@%'"
        ).fetchone()
    assert sums == (len(EXPECTED), sum(EXPECTED.values()))


def given_up(made: Stage) -> int:
    """How often the recorder has lost its connection."""
    return (made.folder / "recorder.log").read_text().count("WARNING bridge.history.recorder: recorder: ")


def page(url: str) -> str:
    return requests.get(url, timeout=2).text
