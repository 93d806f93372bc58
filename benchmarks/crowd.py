"""A crowd of players, as far as they report: CMCD 1 in the edge's log, CMCD 2 events and beacons at the public port.

``python -m benchmarks.crowd LOG REPORTS_PORT SESSIONS SHOWS`` runs until its standard input closes and prints what it
did each ten seconds. One cheap process stands for thousands of players: it fetches no media. Sessions come and go, half
of those that could say goodbye do, and a show ends now and then for the whole of its audience.
"""

from __future__ import annotations

import contextlib
import heapq
import http.client
import itertools
import json
import os
import random
import select
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchmarks.log import AGENT, LINE

TELL_SECONDS = 10.0
VISIT_SECONDS = (120.0, 1080.0)
SHOW_SECONDS = 180.0
"""One of the shows ends, and another one begins, this often"""
ROTATE_SECONDS = 300.0
RENDITIONS = (("480p", 900), ("360p", 500), ("240p", 250))
WAYS = ("log",) * 8 + ("cmcd", "beacon")
INTERVAL_SECONDS = {"log": 4.0, "cmcd": 10.0, "beacon": 10.0}
PATIENCE_SECONDS = {"log": 12.0, "cmcd": 30.0, "beacon": 30.0}
"""How long a session that says no goodbye is still counted: three of its intervals"""
SENDERS = 8
"""Requests to the public port at a time: no player waits for another one's answer"""
ENGAGING = 0.002
"""Share of turns with an app event"""


@dataclass
class Seat:
    """A place in the crowd, taken by one session after the other; all of them report in the same way."""

    way: str
    show: str = ""
    session: str = ""
    address: str = ""
    agent: str = ""
    leaves_at: float = 0.0
    turn: int = 0
    rendition: tuple[str, int] = RENDITIONS[0]

    def join(self, show: str, number: int, now: float, chance: random.Random) -> None:
        """A new session sits down."""
        self.show, self.session, self.turn = show, str(uuid.UUID(int=chance.getrandbits(128))), 0
        self.address = f"{20 + number % 10}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.agent = AGENT % (number % 43)
        self.leaves_at = now + chance.uniform(*VISIT_SECONDS)
        self.rendition = chance.choice(RENDITIONS)


@dataclass
class Crowd:
    """Keeps ``sessions`` sessions alive on ``shows`` shows."""

    log: Path
    port: int
    sessions: int
    shows: int
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._show_numbers = itertools.count(1)
        self._running = [self._new_show() for _ in range(self.shows)]
        begun = time.time()
        self._due = [(begun + self.chance.uniform(0, 20), number) for number in range(self.sessions)]
        heapq.heapify(self._due)
        self._seats = [Seat(WAYS[number % len(WAYS)]) for number in range(self.sessions)]
        self._gone: list[float] = []
        self._file = self.log.open("a", encoding="utf-8")
        self._senders = ThreadPoolExecutor(SENDERS)
        self._connections = threading.local()
        self._counting = threading.Lock()

    def run(self) -> None:
        """Report until standard input closes."""
        now = time.time()
        tell, change, rotate = now + TELL_SECONDS, now + SHOW_SECONDS, now + ROTATE_SECONDS
        while not select.select([sys.stdin], [], [], 0.1)[0]:
            now = time.time()
            self._turns(now)
            if now >= tell:
                tell += TELL_SECONDS
                print(f"at {json.dumps(self._state(now))}", flush=True)
            if now >= change:
                change += SHOW_SECONDS
                self._running[self.chance.randrange(self.shows)] = self._new_show()
            if now >= rotate:
                rotate += ROTATE_SECONDS
                self._rotate()

    def _new_show(self) -> str:
        return f"show-{next(self._show_numbers):03d}"

    def _turns(self, now: float) -> None:
        lines = []
        while self._due and self._due[0][0] <= now:
            due, number = self._due[0]
            self.done["worst late ms"] = max(self.done["worst late ms"], int(1000 * (now - due)))
            seat = self._seats[number]
            lines += self._turn(seat, now)
            heapq.heapreplace(self._due, (due + INTERVAL_SECONDS[seat.way], number))
        if lines:
            self._file.writelines(lines)
            self._file.flush()

    def _turn(self, seat: Seat, now: float) -> list[str]:
        """What the seat reports now: lines for the log, after what went to the public port."""
        if seat.session and (now >= seat.leaves_at or seat.show not in self._running):
            self._leave(seat, now)
        if not seat.session:
            seat.join(self.chance.choice(self._running), next(self._numbers), now, self.chance)
            self.done["joined"] += 1
        lines = []
        if seat.way == "log":
            lines.append(self._line(seat, now))
        else:
            self._report(seat, now, "p")
        if self.chance.random() < ENGAGING:
            event = {"streamId": seat.show, "eventType": "chat_message", "sessionId": seat.session, "userId": "u"}
            self._post("/v1/events", json.dumps({**event, "timestamp": int(now * 1000)}), seat)
        seat.turn += 1
        self.done["reports"] += 1
        return lines

    def _leave(self, seat: Seat, now: float) -> None:
        if seat.way != "log" and self.chance.random() < 0.5:
            self._report(seat, now, "q")
        else:
            heapq.heappush(self._gone, now + PATIENCE_SECONDS[seat.way])
        seat.session = ""
        self.done["left"] += 1

    def _line(self, seat: Seat, now: float) -> str:
        name, bitrate = seat.rendition
        buffered = 0 if self.chance.random() < 0.002 else self.chance.randrange(4_000, 12_000, 100)
        cmcd = (
            f'bl={buffered},br={bitrate},cid="{seat.show}",d=4000,mtp=9000,ot=av,sf=h,sid="{seat.session}",st=l,tb=900'
        )
        cmcd += ",su" if seat.turn == 0 else ""
        cache = "MISS" if self.chance.random() < 0.05 else "HIT"
        waited = "0.012" if cache == "MISS" else ""
        size = bitrate * 500
        filled = LINE % (
            *(now, self.chance.expovariate(30), size, 600, 200, cache, "200" if waited else ""),
            *(self.chance.choice(("DE", "US", "BR")), waited, waited, waited, size if waited else ""),
            *(f"/hls/{seat.show}_{name}/{int(now / 4)}.ts", f"CMCD={quote(cmcd, safe='')}", 0, 0, 0),
            *(seat.agent, size, self.chance.getrandbits(128)),
        )
        return filled.replace("10.0.0.0", seat.address, 1)

    def _report(self, seat: Seat, now: float, state: str) -> None:
        if seat.way == "beacon":
            beacon = {
                "stream": seat.show, "session": seat.session, "seq": seat.turn, "time": int(now * 1000),
                "state": {"p": "playing", "q": "quit"}[state], "interval": 10, "hidden": False, "bufferSeconds": 6.1,
                "variant": seat.rendition[0], "bitsPerSecond": seat.rendition[1] * 1000, "latencySeconds": 4.2,
            }  # fmt: skip
            self._post("/v1/beacon", json.dumps(beacon), seat)
            return
        line = f'bl=(6000),br=({seat.rendition[1]}),cid="{seat.show}",e={"t" if state == "p" else "ps"},sf=h'
        line += f',sid="{seat.session}",sn={seat.turn},st=l,sta={state},ts={int(now * 1000)},v=2'
        self._post("/v1/cmcd", line, seat)

    def _post(self, path: str, body: str, seat: Seat) -> None:
        kind = "application/cmcd" if path == "/v1/cmcd" else "application/json"
        headers = {"Content-Type": kind, "User-Agent": seat.agent, "X-Forwarded-For": seat.address}
        self._senders.submit(self._send, path, body, headers)

    def _send(self, path: str, body: str, headers: dict[str, str]) -> None:
        """One request, on this thread's connection."""
        public = getattr(self._connections, "public", None)
        if public is None:
            public = self._connections.public = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            public.request("POST", path, body, headers)
            answer = public.getresponse()
            answer.read()
            outcome = f"status {answer.status}"
        except (OSError, http.client.HTTPException):
            public.close()  # the next request connects again
            outcome = "not sent"
        with self._counting:
            self.done[outcome] += 1

    def _rotate(self) -> None:
        """Rename the log; nginx and we go on in a new one."""
        self.log.replace(self.log.with_suffix(".json.1"))
        nginx = int((self.log.parents[1] / "run/nginx.pid").read_text())
        os.kill(nginx, 10)  # SIGUSR1: open the logs again
        self._file.close()
        self._file = self.log.open("a", encoding="utf-8")
        self.done["rotations"] += 1

    def _state(self, now: float) -> dict[str, object]:
        while self._gone and self._gone[0] < now:
            heapq.heappop(self._gone)
        alive = sum(1 for seat in self._seats if seat.session)
        state = {"alive": alive, "lingering": len(self._gone), **self.done}
        self.done["worst late ms"] = 0
        return state


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        os.nice(-5)  # players do not share this machine, and must not be late when it is busy
    Crowd(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])).run()
