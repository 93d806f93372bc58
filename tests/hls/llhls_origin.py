"""A small Low-Latency HLS origin: a live timeline of parts with blocking reload, preload hints and delta updates.

What it does wrong is chosen by faults, so that tests see each rule kept and broken by a server.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Fault = Literal[
    "early",  # answers at once whatever was asked for
    "hang",  # never answers a blocking request
    "refuse",  # answers 400 to every blocking request
    "overload",  # answers 503 to every blocking request
    "hold_impossible",  # holds what it must refuse
    "answer_impossible",  # answers what it must refuse
    "ignore_skip",  # leaves nothing out of delta updates
    "skip_too_much",  # leaves out what is within the skip boundary
    "hint_404",  # has nothing where its preload hint points
    "part_404",  # has not got the parts that it lists
    "slow_parts",  # makes parts at half the pace it declares
]
PART_SECONDS = 0.2
PARTS_PER_SEGMENT = 5
SEGMENT_SECONDS = PART_SECONDS * PARTS_PER_SEGMENT
TARGET_SECONDS = 1
WINDOW_SEGMENTS = 12
SKIP_UNTIL_SECONDS = 6.0
SEGMENTS_WITH_PARTS = 3


class LowLatencyOrigin:
    """The timeline: part ``n`` is there from ``begun + (n + 1) * pace`` on.

    Time is real, or it is the origin's own: then it leaps to the instant that a held request waits for, so that tests
    are exact whatever else the machine does. ``now`` is the clock for both sides.
    """

    def __init__(self, faults: frozenset[Fault], real_time: bool) -> None:
        self.faults = faults
        self._real_time = real_time
        self._leapt_to = time.monotonic()
        self.pace = PART_SECONDS * (2 if "slow_parts" in faults else 1)
        self.begun = self.now() - self.pace * PARTS_PER_SEGMENT * (WINDOW_SEGMENTS + 3)
        self.begun_wall = time.time() - PART_SECONDS * PARTS_PER_SEGMENT * (WINDOW_SEGMENTS + 3)
        self.stopped = threading.Event()
        self.queries: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.server.daemon_threads = True
        self.server.origin = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/media.m3u8"

    def now(self) -> float:
        return time.monotonic() if self._real_time else self._leapt_to

    def parts_made(self) -> int:
        return int((self.now() - self.begun) / self.pace + 1e-6)

    def wait_for_part(self, number: int) -> None:
        """Return when part ``number`` (from 0) is complete, or the origin stops."""
        due = self.begun + (number + 1) * self.pace
        if not self._real_time:
            self._leapt_to = max(self._leapt_to, due)
        while not self.stopped.is_set() and self.parts_made() <= number:
            self.stopped.wait(max(0.002, due - time.monotonic()))

    def playlist(self, skip: bool) -> str:
        made = self.parts_made()
        complete, opened = divmod(made, PARTS_PER_SEGMENT)
        first = complete - WINDOW_SEGMENTS
        listed = [self._segment(number, number >= complete - SEGMENTS_WITH_PARTS) for number in range(first, complete)]
        kept = int(SKIP_UNTIL_SECONDS / SEGMENT_SECONDS) - (3 if "skip_too_much" in self.faults else 0)
        if skip and "ignore_skip" not in self.faults:
            listed = [f"#EXT-X-SKIP:SKIPPED-SEGMENTS={WINDOW_SEGMENTS - kept}\n", *listed[-kept:]]
        listed += [self._part(complete, number) for number in range(opened)]
        hinted = "nowhere.mp4" if "hint_404" in self.faults else f"part-{complete}.{opened}.mp4"
        head = (
            f"#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:{TARGET_SECONDS}\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
            f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={3 * PART_SECONDS:g},HOLD-BACK=3,"
            f"CAN-SKIP-UNTIL={SKIP_UNTIL_SECONDS:g}\n"
            f'#EXT-X-PART-INF:PART-TARGET={PART_SECONDS:g}\n#EXT-X-MAP:URI="init.mp4"\n'
        )
        return head + "".join(listed) + f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hinted}"\n'

    def _segment(self, number: int, with_parts: bool) -> str:
        begins = datetime.fromtimestamp(self.begun_wall + number * SEGMENT_SECONDS, UTC)
        parts = "".join(self._part(number, part) for part in range(PARTS_PER_SEGMENT)) if with_parts else ""
        date = begins.isoformat(timespec="milliseconds")
        return f"#EXT-X-PROGRAM-DATE-TIME:{date}\n{parts}#EXTINF:{SEGMENT_SECONDS:.3f},\nseg-{number}.mp4\n"

    @staticmethod
    def _part(segment: int, number: int) -> str:
        independent = ",INDEPENDENT=YES" if number == 0 else ""
        return f'#EXT-X-PART:DURATION={PART_SECONDS:.3f},URI="part-{segment}.{number}.mp4"{independent}\n'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    @property
    def origin(self) -> LowLatencyOrigin:
        return self.server.origin  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/media.m3u8":
            self._media(parts.query)
        elif parts.path.startswith("/part-"):
            self._part(parts.path)
        elif parts.path.startswith("/seg-"):
            self._answer(200, bytes(2000))
        else:
            self._answer(404)

    def _media(self, query: str) -> None:
        origin, asked = self.origin, parse_qs(query)
        origin.queries.append(query)
        msn = int(asked["_HLS_msn"][0]) if "_HLS_msn" in asked else None
        part = int(asked["_HLS_part"][0]) if "_HLS_part" in asked else None
        if msn is None:
            return self._answer(400) if part is not None else self._playlist(asked)
        if msn > origin.parts_made() // PARTS_PER_SEGMENT + 2:
            return self._impossible(asked)
        if "refuse" in origin.faults:
            return self._answer(400)
        if "overload" in origin.faults:
            return self._answer(503)
        if "hang" in origin.faults:
            origin.stopped.wait(30)
        elif "early" not in origin.faults:
            last = PARTS_PER_SEGMENT - 1 if part is None else part
            origin.wait_for_part(msn * PARTS_PER_SEGMENT + last)
        return self._playlist(asked)

    def _impossible(self, asked: dict[str, list[str]]) -> None:
        if "hold_impossible" in self.origin.faults:
            self.origin.stopped.wait(30)
        if "answer_impossible" in self.origin.faults:
            return self._playlist(asked)
        return self._answer(400)

    def _playlist(self, asked: dict[str, list[str]]) -> None:
        self._answer(200, self.origin.playlist("_HLS_skip" in asked).encode())

    def _part(self, path: str) -> None:
        segment, _, number = path.removeprefix("/part-").removesuffix(".mp4").partition(".")
        index = int(segment) * PARTS_PER_SEGMENT + int(number)
        if "part_404" in self.origin.faults or index > self.origin.parts_made() + 1:
            return self._answer(404)
        self.origin.wait_for_part(index)
        return self._answer(200, bytes(500))

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def low_latency_origin(*faults: Fault, real_time: bool = False) -> Iterator[LowLatencyOrigin]:
    origin = LowLatencyOrigin(frozenset(faults), real_time)
    thread = threading.Thread(target=origin.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        origin.stopped.set()
        origin.server.shutdown()
        origin.server.server_close()
