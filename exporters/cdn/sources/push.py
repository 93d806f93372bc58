"""Logs that vendors push by HTTP: JSON or text lines, plain or gzip, and Kinesis Firehose's envelope.

A body is counted whole or not at all, and answered 200 once it is stored; a repeat of a stored body is answered 200 and
not counted again. 400 says that it cannot be read whole, 413 that it is too large or unpacks to too much, 429 that as
many bodies as allowed are being counted, 503 that they could not be stored.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import logging
import sqlite3
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import orjson

from exporters.cdn.counting import MAX_LINE_BYTES, ChunkCounter
from exporters.cdn.ledger import Ledger
from exporters.cdn.tally import SourceTally
from exporters.errors import SourceFormatError

log = logging.getLogger(__name__)
MEMORY_BYTES = 1 << 20
UNPACKED_FACTOR = 64
"""a body may unpack to this many times its size; log lines reach about 30"""
MAX_ENVELOPE_BYTES = 64 << 20
"""what Firehose's envelope may unpack to: it is read whole"""
MAX_LINES = 250_000
"""lines of one body: their records are kept until the body is stored"""


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """What a push is answered: status, body, content type."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PushSource:
    """A source that is pushed to: its tally, and how its lines are counted."""

    tally: SourceTally
    counter: ChunkCounter


class BodyTooLargeError(Exception):
    """A body is too large, or unpacks to too much."""


class PushIntake:
    """Counts pushed bodies into the ledger, at most ``concurrent`` at a time."""

    def __init__(
        self,
        sources: Mapping[str, PushSource],
        ledger: Ledger,
        token: str,
        fastly_services: Sequence[str] = (),
        concurrent: int = 4,
    ) -> None:
        self._sources = sources
        self._ledger = ledger
        self._token = token.encode()
        self._fastly_services = tuple(fastly_services)
        self._slots = threading.BoundedSemaphore(concurrent)
        self._turn = threading.Lock()
        """held while a body is unpacked and counted, so that no more than one is in memory"""
        self._is_behind = False
        """whether a body that has been counted could not be stored"""

    def knows(self, name: str) -> bool:
        return name in self._sources

    def challenge(self) -> PushAnswer:
        """Fastly's proof of consent: the SHA-256 of each service id that may log here, ``*`` where none is named."""
        hashes = [hashlib.sha256(one.encode()).hexdigest() for one in self._fastly_services] or ["*"]
        return PushAnswer(200, "\n".join(hashes).encode() + b"\n")

    def is_allowed(self, headers: Mapping[str, str]) -> bool:
        """Whether the token is in ``Authorization`` (Bearer, or Basic's password) or Firehose's access key."""
        kind, _, value = headers.get("authorization", "").partition(" ")
        given = headers.get("x-amz-firehose-access-key", "")
        if kind.lower() == "bearer":
            given = value.strip()
        elif kind.lower() == "basic":
            try:
                given = base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
            except ValueError:
                given = ""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def enter(self) -> bool:
        """Take a place among the bodies in work; false when all are taken. ``leave`` gives it back."""
        return self._slots.acquire(blocking=False)

    def leave(self) -> None:
        self._slots.release()

    def take(self, name: str, body: IO[bytes], size: int, headers: Mapping[str, str]) -> PushAnswer:
        """Count a body that has arrived in full."""
        request_id = headers.get("x-amz-firehose-request-id", "")
        digest = hashlib.blake2b(request_id.encode() or _hash(body), digest_size=16, key=name.encode()).digest()
        try:
            with self._turn:
                if not self._has_room():
                    return _NOT_STORED
                if self._ledger.has_delivery(digest):
                    with self._ledger.lock:
                        self._sources[name].tally.refuse("duplicate")
                else:
                    self._count(self._sources[name], body, size, bool(request_id), digest)
                self._store()
        except BodyTooLargeError as error:
            log.warning("a push of %s is refused: %s", name, error)
            return PushAnswer(413, f"{error}\n".encode())
        except SourceFormatError as error:
            log.warning("a push of %s is refused: %s", name, error)
            return PushAnswer(400, f"{error}\n".encode())
        except sqlite3.Error as error:
            log.error("a push of %s could not be stored: %s", name, error)
            return _NOT_STORED
        if request_id:
            answer = {"requestId": request_id, "timestamp": int(time.time() * 1000)}
            return PushAnswer(200, json.dumps(answer).encode(), "application/json")
        return PushAnswer(200, b"ok\n")

    def _has_room(self) -> bool:
        """Whether more may be counted: not while what was counted before cannot be stored."""
        if self._is_behind:
            self._store()
        return self._ledger.make_room()

    def _store(self) -> None:
        self._is_behind = True
        self._ledger.commit()
        self._is_behind = False

    def _count(self, source: PushSource, body: IO[bytes], size: int, enveloped: bool, digest: bytes) -> None:
        """Count a body; raises before anything is counted where it cannot be read whole."""
        with spool() as opened:
            if enveloped:
                _open_envelope(body, size, opened)
                body = opened
            limit = max(MEMORY_BYTES, size * UNPACKED_FACTOR)
            if sum(part.count(b"\n") for part in _unpacked(body, limit)) > MAX_LINES:
                raise BodyTooLargeError(f"the body has more than {MAX_LINES} lines")
            with self._ledger.lock:
                for lines in whole_lines(_unpacked(body, limit), lambda: source.tally.refuse("oversized")):
                    source.counter.take(lines)
                self._ledger.note_delivery(digest)


_NOT_STORED = PushAnswer(503, b"could not be stored, try again later\n")


def spool() -> IO[bytes]:
    """Where a body is kept until it is whole: memory when small, else a temporary file."""
    return tempfile.SpooledTemporaryFile(MEMORY_BYTES)


def _hash(body: IO[bytes]) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    body.seek(0)
    while part := body.read(MAX_LINE_BYTES):
        whole.update(part)
    return whole.digest()


def _unpacked(body: IO[bytes], limit: int) -> Iterator[bytes]:
    """The body in parts, unpacked when it is gzip; raises when that is broken or gives more than ``limit`` bytes."""
    body.seek(0)
    unpacked: IO[bytes] = body
    if body.read(2) == b"\x1f\x8b":
        unpacked = gzip.GzipFile(fileobj=body, mode="rb")  # type: ignore[assignment]
    body.seek(0)
    try:
        while part := unpacked.read(MAX_LINE_BYTES):
            limit -= len(part)
            if limit < 0:
                raise BodyTooLargeError("the body unpacks to far more than log lines do")
            yield part
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceFormatError(f"broken gzip: {error}") from error


def whole_lines(parts: Iterable[bytes], refuse_oversized: Callable[[], None]) -> Iterator[bytes]:
    """Chunks of whole lines from parts of at most a line's length; each line that is too long is left out and told."""
    rest, skipping = b"", False
    for part in parts:
        head, newline, tail = part.partition(b"\n")
        first = b"" if skipping else rest + head
        if len(first) > MAX_LINE_BYTES:
            refuse_oversized()
            first, skipping = b"", True
        if not newline:
            rest = first
            continue
        skipping = False
        lines, last, rest = tail.rpartition(b"\n")
        yield first + newline + lines + last
    if rest:
        yield rest + b"\n"


def _open_envelope(body: IO[bytes], size: int, lines: IO[bytes]) -> None:
    """Write the lines in Firehose's envelope ``{"requestId": …, "records": [{"data": "<base64>"}]}``."""
    envelope = bytearray()
    for part in _unpacked(body, max(MAX_ENVELOPE_BYTES, size)):
        envelope += part
    if envelope.count(b",") > MAX_LINES:  # no more values than that are made of it
        raise BodyTooLargeError(f"the envelope has more than {MAX_LINES} records")
    try:
        records = orjson.loads(envelope)["records"]
        del envelope
        for record in records:
            lines.write(base64.b64decode(record["data"]).rstrip(b"\n") + b"\n")
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(f"not Firehose's envelope: {error}") from error
