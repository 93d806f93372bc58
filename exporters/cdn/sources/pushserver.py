"""The HTTP side of pushed logs: reads bodies within limits and answers for the intake."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BufferedIOBase
from typing import IO
from urllib.parse import urlsplit

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.push import BodyTooLargeError, PushAnswer, PushIntake, spool
from exporters.connections import ThreadedConnections
from exporters.errors import ConfigError, SourceFormatError
from exporters.server import content_length

log = logging.getLogger(__name__)
CHALLENGE_PATH = "/.well-known/fastly/logging/challenge"
PREFIX = "/push/"
RETRY_SECONDS = 2
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
MAX_HEAD_BYTES = 4 << 10
"""of a chunk's size with its extensions, and of a trailer"""
MAX_TRAILERS = 100
DISCARDED_FACTOR = 2
"""a refused body is read up to this many times the limit"""


class PushServer:
    """A worker that serves ``POST /push/<source>`` and Fastly's challenge."""

    def __init__(self, address: tuple[str, int], intake: PushIntake, limit_bytes: int) -> None:
        self._address = address
        self._intake = intake
        self._limit_bytes = limit_bytes
        self._server: _Server
        self.port = address[1]
        self._thread = threading.Thread(target=self._serve, name="push", daemon=True)

    def start(self) -> None:
        """Listen; raises ConfigError when the port is taken."""
        host, port = self._address
        try:
            self._server = _Server(self._address, self._intake, self._limit_bytes)
        except OSError as error:
            raise ConfigError(f"CDN_PUSH_LISTEN: cannot listen on {host}:{port}: {error.strerror}") from error
        self.port = self._server.server_address[1]
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.2)


class _Server(ThreadedConnections, HTTPServer):
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], intake: PushIntake, limit_bytes: int) -> None:
        self.intake = intake
        self.limit_bytes = limit_bytes
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        if isinstance(sys.exception(), OSError):
            log.debug("connection from %s ended", client_address, exc_info=True)
        else:
            log.exception("a push from %s failed", client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "bigfootlive"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        known = path == CHALLENGE_PATH
        self._answer(self.server.intake.challenge() if known else PushAnswer(404, b"not found\n"))

    def do_POST(self) -> None:
        headers = {key.lower(): value for key, value in self.headers.items()}
        body = _Body(self.rfile, headers)
        self._answer(self._take(body, headers))
        if self.close_connection:
            self._discard(body)

    do_PUT = do_POST

    def _take(self, body: _Body, headers: Mapping[str, str]) -> PushAnswer:
        intake, path = self.server.intake, urlsplit(self.path).path
        name = path.removeprefix(PREFIX).strip("/")
        if not path.startswith(PREFIX) or not intake.knows(name):
            return self._refused(404, "no such source")
        if not intake.is_allowed(headers):
            return self._refused(401, "the token is missing or wrong")
        if not intake.enter():
            return self._refused(429, "busy, try again later")
        try:
            with spool() as spooled:
                return intake.take(name, spooled, body.read_into(spooled, self.server.limit_bytes), headers)
        except BodyTooLargeError as error:
            return self._refused(413, str(error))
        except SourceFormatError as error:
            return self._refused(400, str(error))
        finally:
            intake.leave()

    def _discard(self, body: _Body) -> None:
        """Read what is left of a refused body: closed before that, the connection is reset and the answer lost."""
        left, until = DISCARDED_FACTOR * self.server.limit_bytes, time.monotonic() + self.timeout
        with contextlib.suppress(OSError, SourceFormatError):
            for part in body.parts:
                left -= len(part)
                if left < 0 or time.monotonic() > until:
                    break

    def _refused(self, status: int, why: str) -> PushAnswer:
        self.close_connection = True  # what is left of the body is not used
        return PushAnswer(status, f"{why}\n".encode())

    def _answer(self, answer: PushAnswer) -> None:
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        if answer.status in (429, 503):
            self.send_header("Retry-After", str(RETRY_SECONDS))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


class _Body:
    """A request's body, of the length that it says or in chunks (RFC 9112 §7.1); ``parts`` raise when it is cut off."""

    def __init__(self, stream: BufferedIOBase, headers: Mapping[str, str]) -> None:
        self._stream = stream
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self._length = None if chunked else content_length(headers.get("content-length", ""))
        self.parts: Iterator[bytes] = self._chunks() if chunked else self._counted()
        """what has not been read yet"""

    def read_into(self, spooled: IO[bytes], limit: int) -> int:
        """Read it whole and give its size; raises when that is over the limit."""
        size = 0
        too_large = BodyTooLargeError(f"over {limit} bytes")
        if (self._length or 0) > limit:
            raise too_large
        for part in self.parts:
            size += len(part)
            if size > limit:
                raise too_large
            spooled.write(part)
        return size

    def _counted(self) -> Iterator[bytes]:
        if self._length is None:
            raise SourceFormatError("Content-Length is needed")
        yield from self._exactly(self._length)

    def _chunks(self) -> Iterator[bytes]:
        while True:
            head = CHUNK_SIZE.fullmatch(self._stream.readline(MAX_HEAD_BYTES))
            if head is None:
                raise SourceFormatError("a chunk has no size")
            size = int(head[1], 16)
            if not size:
                break
            yield from self._exactly(size)
            if self._stream.readline(2).strip():
                raise SourceFormatError("a chunk is longer than its size")
        for _ in range(MAX_TRAILERS):
            if not self._stream.readline(MAX_HEAD_BYTES).strip():
                return
        raise SourceFormatError("too many trailers")

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            part = self._stream.read1(min(size, MAX_LINE_BYTES))
            if not part:
                raise SourceFormatError("the body was cut off")
            size -= len(part)
            yield part
