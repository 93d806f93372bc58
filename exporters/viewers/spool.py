"""The disk spool between the session engine and history: what ended is written here and deleted once it is stored.

Files live in one folder that both processes see. The engine appends to ``<nanoseconds>-<name>.open`` and renames it to
``.spool`` when it is complete; a reader takes only ``.spool`` files, oldest first, and deletes each after its commit.
A line is the CRC-32 of the JSON as eight hexadecimal digits, a space, the JSON object, a newline. A torn or damaged
line is skipped and counted. A record may be written again after a crash, with the same key and the same content, so a
reader must store it at most once by its key. Every object has ``kind``; the kinds are:

``session`` (key: ``session_id``, ``joined``): one ended viewing session.
    session_id (text, HMAC of the player's id), stream, user_id (text or null), address (truncated to /24 or /48, or
    ""), user_agent, device, os, browser, country (ISO alpha-2 or "ZZ"), region, city, joined, left (Unix seconds),
    watch_seconds, startup_seconds (or null), rebuffer_seconds (network and unknown causes; startup, seek and ad stalls
    are not in it), rebuffers, variant (mostly watched, or ""), rendition_seconds ({variant: seconds}), switches,
    errors, average_bytes_per_second (encoded bitrate, time-weighted, or null), live_latency_seconds (mean, or null),
    end_reason (ended, quit, timeout, error, capacity), engagements ({event: count}), chat_messages, played (a first
    frame was shown and this row counts as a play), viewed (it watched at least the view threshold and counts as a
    view). A session that was given up and came back is a further row with played and viewed false where they had been
    counted before, so that sums over rows are exact.
``event`` (key: ``stream``, ``event``, ``event_id``): one app event.
    event_id, stream, event (chat_message, like, reaction, share, follow, donation, super_chat, subscription, tip,
    clip, other), time (Unix seconds), user_id (or null), session_id (HMAC, as in session rows, or null), amount
    (number or null, in ``currency``), currency (ISO 4217 or null), data (object, at most 2 KiB of JSON).
``sketch`` (key: ``stream``, ``started``, ``shard``, ``window``; the newest by ``time`` replaces earlier ones):
    stream, started (Unix seconds of the broadcast), shard (text), window ("stream": distinct viewers of the broadcast;
    "chat": distinct chat participants of it; "day": distinct viewers on the UTC day of ``time``), time (Unix seconds),
    sketch (base64 of a datasketches HLL, lg_k 14; merge with hll_union), estimate.
``broadcast`` (key: ``stream``, ``started``, ``shard``): exact totals of one broadcast, written after all its sessions.
    stream, started, ended (Unix seconds), shard, peak_concurrent, peak_time, attempts, plays, views, watch_seconds,
    rebuffer_seconds, rebuffers, start_failures, playback_failures, exits_before_start, switches, engagements
    ({event: count}), revenue (platform currency), unique_estimate, chat_participants_estimate. Sums over its session
    rows equal plays (played), views (viewed), watch_seconds, rebuffer_seconds, rebuffers and switches.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any
from zlib import crc32

import orjson

from exporters.viewers.appending import append_whole

log = logging.getLogger(__name__)
OPEN_SUFFIX = ".open"
CLOSED_SUFFIX = ".spool"
HELD_BYTES = 64 << 20


def encode_line(record: Mapping[str, Any]) -> bytes:
    """A record as one checksummed line."""
    body = orjson.dumps(record)
    return b"%08x %b\n" % (crc32(body), body)


def decode_line(line: bytes) -> dict[str, Any] | None:
    """The record of one line, or None when the line is torn or damaged."""
    if len(line) < 12 or not line.endswith(b"\n"):
        return None
    body = line[9:-1]
    try:
        if int(line[:8], 16) != crc32(body):
            return None
        record = orjson.loads(body)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class SpoolWriter:
    """Appends records and closes files when they are old or large; refuses records beyond ``limit_bytes`` in all.

    What a full disk refuses is held in memory, up to ``HELD_BYTES``, until it has room again.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "viewers",
        limit_bytes: int = 1 << 30,
        file_bytes: int = 4 << 20,
        file_seconds: float = 2.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._name = name
        self._limit_bytes = limit_bytes
        self._file_bytes = file_bytes
        self._file_seconds = file_seconds
        self._clock = clock
        self._file: FileIO | None = None
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._path = folder
        self._opened = 0.0
        self._last_number = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._begun = False
        self.waiting_bytes = self._measure()

    def write(self, record: Mapping[str, Any]) -> bool:
        """Append one record; false when the spool is full and the record is given up."""
        line = encode_line(record)
        self._begin()
        if self.waiting_bytes + len(line) > self._limit_bytes or self._held_bytes + len(line) > HELD_BYTES:
            return False
        self.waiting_bytes += len(line)
        self.hold([line])
        self._write_held()
        return True

    def hold(self, lines: Iterable[bytes]) -> None:
        """Take lines that are to be written when there is room."""
        for line in lines:
            self._held.append(line)
            self._held_bytes += len(line)

    def held(self) -> list[bytes]:
        """The lines that a full disk has refused."""
        return list(self._held)

    def turn(self) -> None:
        """Close a file that is old enough and measure what waits; call it about once a second."""
        self._begin()
        self._write_held()
        # A clock that was set back must not keep it open.
        if self._file is not None and not 0 <= self._clock() - self._opened < self._file_seconds:
            self.rotate()
        self.waiting_bytes = self._measure()

    def _write_held(self) -> None:
        failed = len(self._held) > 1
        try:
            while self._held:
                if self._file is None:
                    self._open()
                assert self._file is not None
                append_whole(self._file, self._held[0])
                self._held_bytes -= len(self._held.popleft())
                if self._file.tell() >= self._file_bytes:
                    self.rotate()
        except OSError as error:
            if not failed:
                log.error("the spool cannot be written; what ends meanwhile is held in memory: %s", error)

    def rotate(self) -> None:
        """Close the present file, so that a reader may take it."""
        if self._file is not None:
            self._file.close()
            self._file = None
            self._path.rename(self._path.with_suffix(CLOSED_SUFFIX))

    close = rotate

    def _begin(self) -> None:
        """Close what a killed process left; not before the first use, since another may be running until then."""
        if not self._begun:
            self._begun = True
            for left in self._folder.glob(f"*-{self._name}{OPEN_SUFFIX}"):
                left.rename(left.with_suffix(CLOSED_SUFFIX))

    def _open(self) -> None:
        self._opened = self._clock()
        self._last_number = max(self._last_number + 1, int(self._opened * 1e9))
        self._path = self._folder / f"{self._last_number:020d}-{self._name}{OPEN_SUFFIX}"
        # Unbuffered: what was written survives the death of the process.
        self._file = FileIO(self._path, "ab")

    def _measure(self) -> int:
        total = self._held_bytes
        for suffix in (OPEN_SUFFIX, CLOSED_SUFFIX):  # what the reader has set aside waits for nobody
            for path in self._folder.glob(f"*-{self._name}{suffix}"):
                try:
                    total += path.stat().st_size
                except FileNotFoundError:  # the reader was faster
                    continue
        return total


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """One complete file: its records in order and how many lines were damaged."""

    path: Path
    records: tuple[dict[str, Any], ...]
    damaged: int


class SpoolReader:
    """Gives complete files oldest first; each is deleted by ``delete`` after its records are stored."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self) -> list[Path]:
        """The complete files, oldest first."""
        return sorted(self._folder.glob(f"*{CLOSED_SUFFIX}"))

    def read(self, path: Path) -> SpoolFile:
        """The records of one complete file."""
        records, damaged = [], 0
        with path.open("rb") as file:
            for line in file:
                record = decode_line(line)
                if record is None:
                    damaged += 1
                else:
                    records.append(record)
        if damaged:
            log.warning("spool file %s: %d damaged lines skipped", path.name, damaged)
        return SpoolFile(path, tuple(records), damaged)

    def files(self) -> Iterator[SpoolFile]:
        """Each complete file, read when it is asked for."""
        for path in self.waiting():
            yield self.read(path)

    def delete(self, path: Path) -> None:
        """Forget a file whose records are stored."""
        path.unlink(missing_ok=True)
