"""The HTTP side of pushed logs: reads bodies within limits and answers for the intake."""

from __future__ import annotations

import logging
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import IO
from urllib.parse import urlsplit

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.push import PushAnswer, PushIntake, spool
from exporters.connections import ThreadedConnections
from exporters.errors import ConfigError, SourceFormatError

log = logging.getLogger(__name__)
CHALLENGE_PATH = "/.well-known/fastly/logging/challenge"
PREFIX = "/push/"
RETRY_SECONDS = 2


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
        self._answer(self._take())

    do_PUT = do_POST

    def _take(self) -> PushAnswer:
        intake, path = self.server.intake, urlsplit(self.path).path
        name = path.removeprefix(PREFIX).strip("/")
        if not path.startswith(PREFIX) or not intake.knows(name):
            return self._refused(404, "no such source")
        headers = {key.lower(): value for key, value in self.headers.items()}
        if not intake.is_allowed(headers):
            return self._refused(401, "the token is missing or wrong")
        if not intake.enter():
            return self._refused(429, "busy, try again later")
        try:
            with spool() as body:
                size = self._read_into(body, headers)
                return intake.take(name, body, size, headers)
        except _TooLargeError:
            return self._refused(413, f"over {self.server.limit_bytes} bytes")
        except SourceFormatError as error:
            return self._refused(400, str(error))
        finally:
            intake.leave()

    def _read_into(self, body: IO[bytes], headers: dict[str, str]) -> int:
        """Read the whole body, by its length or in chunks; raises when it is too large or cut off."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._read_chunks(body)
        length = headers.get("content-length", "")
        if not length.isdigit():
            raise SourceFormatError("Content-Length is needed")
        if int(length) > self.server.limit_bytes:
            raise _TooLargeError
        return self._copy(body, int(length))

    def _read_chunks(self, body: IO[bytes]) -> int:
        """A chunked body (RFC 9112 §7.1)."""
        total = 0
        while True:
            head = self.rfile.readline(64).partition(b";")[0].strip()
            try:
                size = int(head, 16)
            except ValueError as error:
                raise SourceFormatError("a chunk has no size") from error
            if size <= 0:
                break
            total += size
            if total > self.server.limit_bytes:
                raise _TooLargeError
            self._copy(body, size)
            self.rfile.readline(4)
        while self.rfile.readline(1024).strip():
            continue
        return total

    def _copy(self, body: IO[bytes], size: int) -> int:
        left = size
        while left:
            part = self.rfile.read(min(left, MAX_LINE_BYTES))
            if not part:
                raise SourceFormatError("the body was cut off")
            body.write(part)
            left -= len(part)
        return size

    def _refused(self, status: int, why: str) -> PushAnswer:
        self.close_connection = True  # what is left of the body is not read
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


class _TooLargeError(Exception):
    """A body is over the limit."""
