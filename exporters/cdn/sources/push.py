"""Logs that vendors push by HTTP: JSON or text lines, plain or gzip, and Kinesis Firehose's envelope.

A body is counted whole or not at all, and answered 200 once it is stored; a repeat of a stored body is answered 200 and
not counted again. 429 says that as many bodies as allowed are being counted, 503 that they could not be stored.
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
from collections.abc import Iterator, Mapping, Sequence
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
        digest = hashlib.blake2b(request_id.encode() or _hash(body), digest_size=16, person=name.encode()[:16]).digest()
        try:
            with self._ledger.lock:
                if not self._ledger.has_delivery(digest):
                    self._count(self._sources[name], body, size, bool(request_id))
                    self._ledger.note_delivery(digest)
                else:
                    self._sources[name].tally.refuse("duplicate")
                self._ledger.commit()
        except sqlite3.Error as error:
            log.error("a push of %s could not be stored: %s", name, error)
            return PushAnswer(503, b"could not be stored, try again later\n")
        if request_id:
            answer = {"requestId": request_id, "timestamp": int(time.time() * 1000)}
            return PushAnswer(200, json.dumps(answer).encode(), "application/json")
        return PushAnswer(200, b"ok\n")

    def _count(self, source: PushSource, body: IO[bytes], size: int, enveloped: bool) -> None:
        try:
            for lines in _lines(body, size, enveloped):
                source.counter.take(lines)
        except SourceFormatError as error:
            log.warning("a push of %s: %s", source.tally.identity.name, error)
            source.tally.refuse("parse_error")


def spool() -> IO[bytes]:
    """Where a body is kept until it is whole: memory when small, else a temporary file."""
    return tempfile.SpooledTemporaryFile(MEMORY_BYTES)


def _hash(body: IO[bytes]) -> bytes:
    whole = hashlib.blake2b(digest_size=16)
    body.seek(0)
    while part := body.read(MAX_LINE_BYTES):
        whole.update(part)
    return whole.digest()


def _lines(body: IO[bytes], size: int, enveloped: bool) -> Iterator[bytes]:
    """Chunks of whole lines; raises SourceFormatError where the body is not what it should be."""
    body.seek(0)
    unpacked: IO[bytes] = body
    if body.read(2) == b"\x1f\x8b":
        unpacked = gzip.GzipFile(fileobj=body, mode="rb")  # type: ignore[assignment]
    body.seek(0)
    limit = max(MEMORY_BYTES, size * UNPACKED_FACTOR)
    try:
        if enveloped:
            yield _opened(unpacked.read(limit))
            return
        rest = b""
        while part := unpacked.read(MAX_LINE_BYTES):
            limit -= len(part)
            if limit < 0:
                raise SourceFormatError("the body unpacks to far more than log lines do")
            head, newline, tail = part.rpartition(b"\n")
            if newline:
                yield rest + head + newline
            rest = tail if newline else rest + tail
            if len(rest) > MAX_LINE_BYTES:
                raise SourceFormatError("a line is too long to be one")
        if rest:
            yield rest + b"\n"
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceFormatError(f"broken gzip: {error}") from error


def _opened(envelope: bytes) -> bytes:
    """The lines in Firehose's envelope ``{"requestId": …, "records": [{"data": "<base64>"}]}``."""
    try:
        records = [base64.b64decode(record["data"]).rstrip(b"\n") for record in orjson.loads(envelope)["records"]]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(f"not Firehose's envelope: {error}") from error
    return b"\n".join(records) + b"\n"
