"""Viewers whose visits are known to the millisecond: each tells by beacon what it does and forgets no beacon."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import requests

from tests.servers import wait_until

BEACON_SECONDS = 1.0
SILENCE_SECONDS = 20
"""what beacons promise: no visit may be given up for an outage that is shorter than a few of these"""
MOST_BEACONS = 64
"""in one request"""


@dataclass(slots=True)
class Visit:
    """One viewer from its first beacon to its goodbye, times in milliseconds of its own clock."""

    name: str
    begun: int
    ended: int = 0
    sequence: int = -1
    heard: int = -1
    """the last beacon that was answered for"""

    @property
    def watch_seconds(self) -> float:
        return (self.ended - self.begun) / 1000


class Crowd:
    """Sends the beacons of all visits each second from a thread of its own; unanswered ones are sent again."""

    def __init__(self, address: str, stream: str) -> None:
        self._address = address
        self._stream = stream
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Visit, dict[str, Any]]] = deque()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self.visits: list[Visit] = []
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self._thread.start()

    @property
    def watching(self) -> int:
        return sum(not visit.ended for visit in self.visits)

    def join(self, name: str, number: int = 1) -> list[Visit]:
        """Let viewers come, heard of or not."""
        with self._lock:
            joined = [Visit(f"{name} {len(self.visits) + one}", _now()) for one in range(number)]
            self.visits += joined
            for visit in joined:
                self._tell(visit, "playing")
        self._wake.set()
        return joined

    def leave(self, visits: list[Visit]) -> None:
        """Let viewers say goodbye."""
        with self._lock:
            for visit in visits:
                self._tell(visit, "quit")
                visit.ended = self._waiting[-1][1]["time"]
        self._wake.set()

    def wait_heard(self) -> None:
        """Until every beacon so far is answered for."""
        goals = [(visit, visit.sequence) for visit in self.visits]
        wait_until(lambda: all(visit.heard >= goal for visit, goal in goals), "all beacons to be answered", 60)

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=20)

    def _tell(self, visit: Visit, state: str) -> None:
        visit.sequence += 1
        beacon = {
            "stream": self._stream,
            "session": visit.name,
            "user": visit.name,
            "seq": visit.sequence,
            "time": visit.begun if not visit.sequence else _now(),
            "state": state,
            "interval": SILENCE_SECONDS,
        }
        self._waiting.append((visit, beacon))

    def _run(self) -> None:
        due = time.monotonic()
        with requests.Session() as session:
            while not self._stop.is_set():
                self._wake.wait(max(0.0, due - time.monotonic()))
                self._wake.clear()
                if time.monotonic() >= due:
                    due = time.monotonic() + BEACON_SECONDS
                    with self._lock:
                        for visit in self.visits:
                            if not visit.ended:
                                self._tell(visit, "playing")
                while self._waiting and self._send(session):
                    pass

    def _send(self, session: requests.Session) -> bool:
        """Send the oldest beacons; they are kept when nobody answered for them."""
        with self._lock:
            sent = [self._waiting[one] for one in range(min(MOST_BEACONS, len(self._waiting)))]
        try:
            answer = session.post(self._address, json=[beacon for _, beacon in sent], timeout=5)
        except requests.RequestException:
            return False
        if answer.status_code != 204:
            return False
        with self._lock:
            for visit, beacon in sent:
                self._waiting.popleft()
                visit.heard = beacon["seq"]
        return True


def _now() -> int:
    return int(time.time() * 1000)
