"""The ground for faults: a whole stack, viewers whose truth is known, and what is not true of them."""

from __future__ import annotations

import json
import math
import shutil
import struct
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from bridge.promapi import PrometheusApi
from exporters.metrics import CDN_LOG_RECORDS, VIEWER_SPOOL_RECORDS
from prometheus import queries
from tests.e2e.players import WirePlayer
from tests.faults.crowd import Crowd
from tests.faults.far_edge import FarEdge
from tests.faults.storm import Storm
from tests.servers import instant, wait_until
from tests.stacks import Running

PATIENCE_SECONDS = 200.0


class Ground:
    """A running stack with an audience; ``wrong`` says what it does not tell truly."""

    def __init__(self, local: Running, storm: Storm, far: FarEdge) -> None:
        self.local = local
        self.crowd = Crowd(local.config.url(local.config.reports_port, "/v1/beacon"), local.config.stream)
        self.storm = storm
        self.far = far
        self.players: list[WirePlayer] = []
        self._players_so_far = 0
        self.begun = time.time()

    @property
    def plays(self) -> int:
        return len(self.crowd.visits) + self._players_so_far + self.far.plays

    def add_player(self) -> None:
        """A player comes who is known by the edge's log alone."""
        self._players_so_far += 1
        self.players.append(WirePlayer(self.local.config, 500 + self._players_so_far))

    def remove_player(self) -> None:
        """A player leaves without a word."""
        self.players.pop().stop()

    @property
    def watching(self) -> int:
        return self.crowd.watching + len(self.players)

    def wait_true(self) -> float:
        """Wait until nothing is wrong; gives the seconds that it took."""
        begun = time.monotonic()
        last: list[str] = []

        def true() -> bool:
            last[:] = self.wrong()
            return not last

        try:
            wait_until(true, "true numbers", PATIENCE_SECONDS, every=0.1)
        except AssertionError as error:
            raise AssertionError(f"{error}; wrong: {last}") from error
        return time.monotonic() - begun

    def wrong(self) -> list[str]:
        """What the socket, REST, the exporters and readiness do not tell truly now."""
        found = []
        try:
            numbers = self.message()
            if numbers["meta"]["stale"] or numbers["meta"]["missing"]:
                found.append(f"meta {numbers['meta']}")
            shown = {name: numbers["data"][name] for name in ("currentViewers", "totalViews")}
            if shown != (true := {"currentViewers": self.watching, "totalViews": self.plays}):
                found.append(f"socket says {shown}, true is {true}")
            rest = requests.get(self.live_address, timeout=5).json()
            if rest["currentViewers"] != self.watching:
                found.append(f"REST says {rest['currentViewers']} viewers")
            if not requests.get(self.local.http("/readyz"), timeout=5).json()["ready"]:
                found.append("not ready")
            found += self._wrong_logs()
        except (OSError, KeyError, WebSocketException, requests.RequestException) as error:
            found.append(f"{type(error).__name__}: {error}")
        return found

    @property
    def live_address(self) -> str:
        return self.local.http(f"/api/v1/analytics/real-time/{self.local.config.stream}")

    def message(self) -> dict[str, Any]:
        """The first message that a client gets who connects now."""
        address = self.local.websocket(f"/api/ws/streams/{self.local.config.stream}/metrics")
        with connect(address, open_timeout=5, close_timeout=1, proxy=None) as socket:
            message: dict[str, Any] = json.loads(socket.recv(timeout=5))
        return message

    def _wrong_logs(self) -> Iterator[str]:
        folder = self.local.config.var / "log"
        edge = sum(path.read_bytes().count(b"\n") for path in folder.glob("edge.json*"))
        counted = self.counted_lines()
        if counted.get("edge") != edge:
            yield f"{counted.get('edge')} of {edge} lines of the edge are counted"
        if counted.get("storm", 0) != self.storm.written:
            yield f"{counted.get('storm')} of {self.storm.written} lines of the storm are counted"
        ((_, far),) = instant(self.local.prometheus, f'sum({CDN_LOG_RECORDS.name}{{source="far"}}) or vector(0)')
        if far != self.far.written:
            yield f"{far:g} of {self.far.written} lines of the far edge are in Prometheus"

    def counted_lines(self) -> dict[str, int]:
        """Lines that the CDN exporter has counted, by source."""
        page = requests.get(self.local.config.url(self.local.config.cdn_metrics_port, "/metrics"), timeout=5).text
        counted: Counter[str] = Counter()
        for line in page.splitlines():
            if line.startswith(CDN_LOG_RECORDS.name) and ('result="ok"' in line or 'result="late"' in line):
                counted[line.partition('source="')[2].partition('"')[0]] += int(float(line.split()[-1]))
        return counted

    def log(self, program: str) -> str:
        """What a program has said so far."""
        return (self.local.config.var / f"log/{program}.out").read_text(errors="replace")

    def set_clock(self, seconds: int) -> None:
        """Put the wall clock of the programs that have one to be set this far from the true time.

        nginx keeps what it has cached until its time by the clock, so a clock that goes back serves an hour of old
        playlists: the edge's cache is emptied.
        """
        with (self.local.config.var / "clock").open("r+b") as file:
            file.write(struct.pack("q", seconds))
        for path in (self.local.config.var / "run/edge-cache").glob("*"):
            shutil.rmtree(path, ignore_errors=True)

    def everybody_leaves(self) -> None:
        """The crowd says goodbye, players just go."""
        self.crowd.leave([visit for visit in self.crowd.visits if not visit.ended])
        while self.players:
            self.remove_player()

    def stop(self) -> None:
        self.crowd.stop()
        for player in self.players:
            player.stop()

    def spooled(self) -> int:
        """Records that the session engine has spooled or holds for the spool."""
        page = requests.get(self.local.config.url(self.local.config.viewers_metrics_port, "/metrics"), timeout=5).text
        lines = [line for line in page.splitlines() if line.startswith(VIEWER_SPOOL_RECORDS.name) and "written" in line]
        return sum(int(float(line.split()[-1])) for line in lines)

    def lost(self) -> list[str]:
        """What history does not hold of the visits that are over, or holds twice or wrongly."""
        rows = self._sessions()
        found = []
        for visit in self.crowd.visits:
            kept = rows.get(visit.name, (0, 0, 0, 0.0))
            true = (1, 1, int(visit.watch_seconds >= 3), round(visit.watch_seconds, 3))
            if visit.ended and kept != true:
                found.append(f"{visit.name}: (rows, plays, views, watch seconds) are {kept}, true is {true}")
        return found

    def _sessions(self) -> dict[str, tuple[int, int, int, float]]:
        with psycopg.connect(self.local.config.database_url, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT user_id, count(*), sum(played::int), sum(viewed::int), round(sum(watch_seconds)::numeric, 3)"
                " FROM sessions WHERE user_id IS NOT NULL GROUP BY user_id"
            ).fetchall()
        return {name: (rows, plays, views, float(seconds)) for name, rows, plays, views, seconds in rows}

    def minutes(self) -> dict[int, float]:
        """The stored minutes of the stream that begin after the ground did: viewers by Unix seconds."""
        with psycopg.connect(self.local.config.database_url, connect_timeout=5) as connection:
            rows = connection.execute(
                "SELECT extract(epoch FROM at)::bigint, viewers FROM stream_minutes"
                " WHERE stream = %s AND at > to_timestamp(%s)",
                (self.local.config.stream, self.begun),
            ).fetchall()
        assert len({at for at, _ in rows}) == len(rows)
        return dict(rows)

    def wait_minute(self) -> None:
        """Until the present minute is over and in history."""
        present = int(time.time()) // 60 * 60
        wait_until(lambda: max(self.minutes(), default=0) >= present, "the present minute in history", 150, every=1)

    def wrong_minutes(self) -> list[str]:
        """What history lacks from the ground's first minute to its last, or holds otherwise than it was measured."""
        stored = self.minutes()
        found = []
        api = PrometheusApi(self.local.prometheus)
        for at in range(math.ceil(self.begun / 60) * 60, max(stored) + 60, 60):
            measured = api.instant(queries.MINUTE_VIEWERS, at + 60).get((self.local.config.stream,), math.nan)
            if not math.isclose(stored.get(at, math.nan), measured, rel_tol=1e-6):
                found.append(f"minute {at}: {stored.get(at)} is stored, {measured} was measured")
        api.close()
        return found
