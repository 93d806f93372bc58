"""A small HTTP origin for tests: pages that tests set and change, with every request kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """What the origin answers."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    withheld: int = 0
    """bytes that are announced and never sent"""


@dataclass(frozen=True)
class Seen:
    """A request that arrived."""

    path: str
    query: str
    headers: dict[str, str] = field(default_factory=dict)


class Origin:
    """``origin.pages["/demo.m3u8"] = text`` answers it; a function is asked for each request."""

    def __init__(self) -> None:
        self.pages: dict[str, str | bytes | Page | Callable[[Seen], Page]] = {}
        self.seen: list[Seen] = []
        self.delays: dict[str, float] = {}
        """seconds before a path is answered"""
        self.drips: dict[str, tuple[int, float]] = {}
        """a path whose body comes in so many pieces with such pauses between"""
        self.stopped = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a probe that gave up
        self._server.origin = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def answer(self, seen: Seen) -> Page:
        self.seen.append(seen)
        page = self.pages.get(seen.path, Page(b"not here", 404))
        if callable(page):
            page = page(seen)
        if isinstance(page, str):
            page = page.encode()
        return page if isinstance(page, Page) else Page(page)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        site: Origin = self.server.origin  # type: ignore[attr-defined]
        page = site.answer(Seen(parts.path, parts.query, headers))
        site.stopped.wait(site.delays.get(parts.path, 0))
        self.send_response(page.status)
        for name, value in page.headers:
            self.send_header(name, value)
        if page.status != 304:
            self.send_header("Content-Length", str(len(page.body) + page.withheld))
        self.end_headers()
        if page.status == 304:
            return
        pieces, pause = site.drips.get(parts.path, (1, 0.0))
        size = max(1, -(-len(page.body) // pieces))
        for start in range(0, len(page.body), size):
            self.wfile.write(page.body[start : start + size])
            site.stopped.wait(pause)
        if page.withheld:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def origin() -> Iterator[Origin]:
    one = Origin()
    one.start()
    try:
        yield one
    finally:
        one.stop()


def media(sequence: int, count: int = 6, target: int = 2, duration: float = 2.0, extra: str = "") -> str:
    """A plain media playlist."""
    rows = "".join(f"#EXTINF:{duration:.3f},\n{number}.ts\n" for number in range(sequence, sequence + count))
    return f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXT-X-TARGETDURATION:{target}\n{extra}{rows}"
