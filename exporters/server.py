"""The HTTP side of an exporter: /metrics, /healthz and the service's own routes, and orderly shutdown."""

from __future__ import annotations

import gzip
import logging
import os
import re
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO
from typing import Protocol
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from exporters import __version__, metrics
from exporters.checks import cannot_listen
from exporters.collecting import Collector, GuardedCollectors
from exporters.connections import ThreadedConnections
from exporters.exposition import OPENMETRICS_TYPE, TEXT_TYPE, Samples, wants_openmetrics

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 1 << 20
LENGTH = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Request:
    """What a route gets: method, query string, header values by lower-case name, body and peer address."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Request], Reply]


class Worker(Protocol):
    """A background part of a service: start it, stop it; stop returns when it has ended."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Service:
    """One exporter: its collectors, its background workers and routes beyond /metrics and /healthz."""

    name: str
    collectors: Sequence[Collector]
    workers: Sequence[Worker] = ()
    routes: Mapping[str, Route] = field(default_factory=dict)


class MetricsPage:
    """The whole exposition of a process: the collectors' tables and Python's own process metrics."""

    def __init__(self, component: str, collectors: GuardedCollectors) -> None:
        self._collectors = collectors
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._build = Samples(metrics.BUILD_INFO)
        self._build.set(1, component, *build_version())

    def render(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type, by content negotiation."""
        openmetrics = wants_openmetrics(accept)
        page = BytesIO()  # a table at a time: the page of many streams is large, and need not be there several times
        for text in self._collectors.render(openmetrics):
            page.write(text.encode())
        page.write(self._build.render(openmetrics).encode())
        # Python's page ends in the EOF line, so it goes last.
        page.write(generate_openmetrics(self._registry) if openmetrics else generate_latest(self._registry))  # type: ignore[no-untyped-call]
        return page.getvalue(), OPENMETRICS_TYPE if openmetrics else TEXT_TYPE


def build_version() -> tuple[str, str]:
    """Our version, and the revision it was built from (``unknown`` outside a release)."""
    return __version__, os.environ.get("BIGFOOTLIVE_REVISION", "unknown")


class ExporterServer(ThreadedConnections, HTTPServer):
    """Serves a page and routes; a slow peer holds one thread for at most ``timeout`` seconds."""

    request_queue_size = 128

    def __init__(self, address: tuple[str, int], page: MetricsPage, routes: Mapping[str, Route]) -> None:
        self.page = page
        self.routes = {**routes}
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        log.debug("connection from %s ended", client_address, exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: ExporterServer
    protocol_version = "HTTP/1.1"
    server_version = "bigfootlive"
    sys_version = ""
    timeout = 15

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/") or "/"
        if path == "/metrics":
            body, kind = self.server.page.render(self.headers.get("Accept", ""))
            self._answer(Reply(200, body, kind))
        elif path == "/healthz":
            self._answer(Reply(200, b"ok\n"))
        else:
            self._route(path)

    def do_POST(self) -> None:
        self._route(urlsplit(self.path).path.rstrip("/") or "/")

    do_HEAD = do_GET

    def _route(self, path: str) -> None:
        route = self.server.routes.get(path)
        if route is None:
            self._answer(Reply(404, b"not found; this server has /metrics and /healthz\n"))
            return
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            reply = route(Request(self.command, urlsplit(self.path).query, headers, body, str(self.client_address[0])))
        except Exception:
            log.exception("route %s failed", path)
            reply = Reply(500, b"internal error\n")
        self._answer(reply)

    def _body(self) -> bytes | None:
        """The request's body; answers 411, 400 or 413 itself and gives None when it cannot be taken."""
        if self.command != "POST":
            return b""
        text = self.headers.get("Content-Length", "")
        length = content_length(text)
        if length is None:
            self.close_connection = True
            self._answer(Reply(400 if text else 411, b"Content-Length is needed\n"))
            return None
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(Reply(413, f"body over {MAX_BODY_BYTES} bytes\n".encode()))
            return None
        return self.rfile.read(length)

    def _answer(self, reply: Reply) -> None:
        body = reply.body
        self.send_response(reply.status, HTTPStatus(reply.status).phrase)
        self.send_header("Content-Type", reply.content_type)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if len(body) > 1024 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        # The query is left out: hooks and reports carry secrets in it.
        log.debug("%s %s %s", self.command, urlsplit(self.path).path, code)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


def content_length(text: str) -> int | None:
    """The number of a Content-Length header; None when it is none, or has more than 15 digits."""
    return int(text) if LENGTH.fullmatch(text) else None


class RunningService:
    """A started service with its server; ``stop`` ends both. Tests and ``serve`` use it."""

    def __init__(self, service: Service, address: tuple[str, int]) -> None:
        self._service = service
        page = MetricsPage(service.name, GuardedCollectors(service.name, service.collectors))
        self.server = ExporterServer(address, page, service.routes)
        self.port: int = self.server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> RunningService:
        for worker in self._service.workers:
            worker.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        for worker in reversed(self._service.workers):
            worker.stop()

    def _serve(self) -> None:
        self.server.serve_forever(poll_interval=0.2)


def serve(service: Service, address: tuple[str, int], variable: str) -> None:
    """Run a service until SIGTERM or SIGINT; raises ConfigError when the address, of ``variable``, is taken."""
    try:
        running = RunningService(service, address)
    except OSError as error:
        raise cannot_listen(variable, address, error) from error
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    running.start()
    log.info("%s exporter serves http://%s:%d/metrics", service.name, address[0], running.port)
    done.wait()
    log.info("%s exporter stops", service.name)
    running.stop()
