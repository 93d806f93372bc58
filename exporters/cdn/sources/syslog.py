"""Log lines over syslog: UDP datagrams, and TCP with lines or counted octets (RFC 3164, RFC 5424, RFC 6587)."""

from __future__ import annotations

import logging
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from exporters.cdn.counting import MAX_LINE_BYTES, ChunkCounter
from exporters.cdn.ledger import Ledger
from exporters.cdn.tally import SourceTally
from exporters.checks import family_of
from exporters.connections import ThreadedConnections
from exporters.errors import ConfigError

log = logging.getLogger(__name__)
BATCH_LINES = 500
RECEIVE_BUFFER_BYTES = 4 << 20
MAX_CONNECTIONS = 64
IDLE_SECONDS = 600
"""a connection over which nothing comes for so long is ended"""
STORE_AGAIN_SECONDS = 0.5
HEADER = re.compile(
    rb"<\d{1,3}>(?:"
    rb"\d{1,2} \S+ \S+ \S+ \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\xef\xbb\xbf)?"  # RFC 5424
    rb"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d "
    rb"(?:[\dA-Fa-f]{0,4}:[\dA-Fa-f]{0,4}:[\dA-Fa-f:.]{0,37}(?:%\S{1,16})? |(?:\S+ )??)"  # the host, in IPv6 or else
    rb"[^\s:\[]{1,48}(?:\[\d+\])?: ?"  # RFC 3164
    rb")"
)


def message(packet: bytes) -> bytes:
    """The log line of a syslog message; what has no syslog header is a line by itself."""
    header = HEADER.match(packet)
    return (packet[header.end() :] if header else packet).strip().replace(b"\n", b" ")


class SyslogIntake:
    """Counts messages for the listeners. What arrives is stored with the next commit; UDP itself promises nothing."""

    def __init__(
        self,
        tally: SourceTally,
        counter: ChunkCounter,
        ledger: Ledger,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tally = tally
        self._counter = counter
        self._ledger = ledger
        self._monotonic = monotonic
        self._store_again = 0.0
        self.name = tally.identity.name

    def take(self, packets: Iterable[bytes]) -> bool:
        """Count messages; false, with none counted, while so much waits to be stored that memory would grow."""
        if not self._has_room():
            return False
        lines = [line for line in map(message, packets) if line]
        if lines:
            with self._ledger.lock:
                self._counter.take(b"\n".join(lines) + b"\n")
        return True

    def _has_room(self) -> bool:
        """Whether more may be counted. When the store has failed, it is tried again a while later."""
        if not self._ledger.is_full():
            return True
        if self._monotonic() < self._store_again:
            return False
        if self._ledger.make_room():
            return True
        self._store_again = self._monotonic() + STORE_AGAIN_SECONDS
        return False

    def refuse_oversized(self, count: int = 1) -> None:
        """Count messages that were left out: too long, or too many while nothing could be stored."""
        with self._ledger.lock:
            self._tally.refuse("oversized", count)


class SyslogUdp:
    """A worker that receives datagrams; some are lost when the receive buffer is full, or when there is no room."""

    def __init__(self, address: tuple[str, int], intake: SyslogIntake) -> None:
        self._address = address
        self._intake = intake
        self._socket: socket.socket
        self.port = address[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"syslog-{intake.name}", daemon=True)

    def start(self) -> None:
        """Listen; raises ConfigError when the port is taken."""
        self._socket = socket.socket(family_of(self._address[0]), socket.SOCK_DGRAM)
        try:
            self._socket.bind(self._address)
        except OSError as error:
            self._socket.close()
            raise _taken("CDN_SYSLOG_UDP", self._address, error) from error
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.settimeout(0.2)
        self.port = self._socket.getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self._socket.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                packets = list(self._packets())
                if not self._intake.take(packets):
                    self._intake.refuse_oversized(len(packets))
            except Exception:
                log.exception("syslog intake %s failed", self._intake.name)

    def _packets(self) -> Iterator[bytes]:
        """One datagram, and those that wait behind it."""
        try:
            yield self._socket.recv(MAX_LINE_BYTES)
            for _ in range(BATCH_LINES):
                yield self._socket.recv(MAX_LINE_BYTES, socket.MSG_DONTWAIT)
        except (TimeoutError, BlockingIOError):
            return


class SyslogTcp:
    """A worker that takes connections, a bounded number at a time; a slow reader here slows the senders."""

    def __init__(self, address: tuple[str, int], intake: SyslogIntake) -> None:
        self._address = address
        self._intake = intake
        self._server: _TcpServer
        self.port = address[1]
        self._thread = threading.Thread(target=self._serve, name=f"syslog-{intake.name}", daemon=True)

    def start(self) -> None:
        """Listen; raises ConfigError when the port is taken."""
        try:
            self._server = _TcpServer(self._address, self._intake)
        except OSError as error:
            raise _taken("CDN_SYSLOG_TCP", self._address, error) from error
        self.port = self._server.server_address[1]
        self._thread.start()

    def stop(self) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.2)


class _TcpServer(ThreadedConnections, socketserver.TCPServer):
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], intake: SyslogIntake) -> None:
        self.intake = intake
        self.slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.stopping = threading.Event()
        super().__init__(address, _TcpHandler)

    def handle_error(self, request: object, client_address: object) -> None:
        log.exception("syslog connection from %s failed", client_address)


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _TcpServer
    timeout = IDLE_SECONDS

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        super().setup()

    def handle(self) -> None:
        if not self.server.slots.acquire(blocking=False):
            log.warning("syslog connection from %s refused: %d are open", self.client_address[0], MAX_CONNECTIONS)
            return
        try:
            for packet in frames(self.rfile, self.server.intake):  # type: ignore[arg-type]
                while not self.server.intake.take([packet]):  # the sender waits with us
                    if self.server.stopping.wait(STORE_AGAIN_SECONDS):
                        return
        except TimeoutError:
            log.info("syslog connection from %s ended: nothing came over it", self.client_address[0])
        except OSError:
            log.info("syslog connection from %s was cut", self.client_address[0])
        finally:
            self.server.slots.release()


def frames(stream: BinaryIO, intake: SyslogIntake) -> Iterator[bytes]:
    """The messages of a TCP stream, by counted octets where a message begins so, else by line.

    The last line may lack its newline. What is too long is left out.
    """
    while first := _count_or_start(stream):
        size = int(first[:-1]) if first[:-1].isdigit() and first.endswith(b" ") else 0
        if size > MAX_LINE_BYTES:
            intake.refuse_oversized()
            while size and (part := stream.read(min(size, MAX_LINE_BYTES))):
                size -= len(part)
        elif size:
            yield stream.read(size)
        else:
            line = first if first.endswith(b"\n") else first + stream.readline(MAX_LINE_BYTES + 1 - len(first))
            if line.endswith(b"\n") or len(line) <= MAX_LINE_BYTES:
                yield line
                continue
            intake.refuse_oversized()
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                continue


def _count_or_start(stream: BinaryIO) -> bytes:
    """The octet count with its space, or the first bytes of a line."""
    read = stream.read(1)
    while read.isdigit() and len(read) < 8:
        more = stream.read(1)
        read += more
        if not more.isdigit():
            break
    return read


def _taken(variable: str, address: tuple[str, int], error: OSError) -> ConfigError:
    return ConfigError(f"{variable}: cannot listen on {address[0]}:{address[1]}: {error.strerror}")
