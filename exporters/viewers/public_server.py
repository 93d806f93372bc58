"""Serves the public application with gevent in a thread of its own."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from gevent import Timeout
from gevent import socket as gevent_socket
from gevent.event import Event as GeventEvent
from gevent.hub import get_hub
from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer

from exporters.checks import family_of
from exporters.errors import ConfigError
from exporters.viewers.mishaps import Mishaps
from exporters.viewers.public import PublicApp

log = logging.getLogger(__name__)
MAX_CONNECTIONS = 20_000
BACKLOG = 1024
THREAD_NAME = "public"
IDLE_SECONDS = 75.0
_mishaps = Mishaps("a request could not be answered")


def run_aside(function: Callable[[], None]) -> None:
    """Run what may block; other requests of the public server go on meanwhile."""
    if threading.current_thread().name == THREAD_NAME:
        get_hub().threadpool.apply(function)
    else:
        function()


class _Handler(WSGIHandler):  # type: ignore[misc]
    """Gives up connections that send nothing, or too slowly."""

    def handle_one_request(self) -> Any:
        with Timeout(IDLE_SECONDS, False):
            return super().handle_one_request()
        return None

    def log_request(self) -> None:
        """Requests are counted by metrics; a log of them would hold addresses and session ids."""

    def log_error(self, msg: str, *args: object) -> None:
        """What clients did wrong is not logged either."""

    def _log_error(self, t: type[BaseException], v: BaseException | None, tb: TracebackType | None) -> None:
        """A failure of ours, without gevent's note of whom it answered."""
        if isinstance(v, Exception):
            _mishaps.note(v.with_traceback(tb))


class PublicServer:
    """A worker: listens from ``start`` to ``stop``; ``port`` is known once it listens."""

    def __init__(self, app: PublicApp, address: tuple[str, int], variable: str) -> None:
        self._app = app
        self._address = address
        self._variable = variable
        self.port = 0
        self._ready = threading.Event()
        self._wake: Any = None
        self._thread = threading.Thread(target=self._serve, name=THREAD_NAME, daemon=True)

    def start(self) -> None:
        """Listen and serve; raises ConfigError when the port is taken."""
        host, port = self._address
        family = family_of(host)
        try:
            self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        except OSError as error:
            raise ConfigError(f"{self._variable}: cannot listen on {host}:{port}: {error.strerror}") from error
        self.port = int(self._listener.getsockname()[1])
        self._thread.start()
        self._ready.wait(timeout=10)

    def stop(self) -> None:
        if self._wake is not None:
            self._wake.send()
            self._thread.join(timeout=10)

    def _serve(self) -> None:
        # gevent's hub belongs to this thread, so everything of gevent is made here.
        done = GeventEvent()
        self._wake = get_hub().loop.async_()
        self._wake.start(done.set)
        family = self._listener.family
        listener = gevent_socket.socket(family, socket.SOCK_STREAM, fileno=self._listener.detach())
        server = WSGIServer(
            listener, self._app, spawn=Pool(MAX_CONNECTIONS), handler_class=_Handler, log=None, error_log=log
        )
        server.start()
        self._ready.set()
        done.wait()
        server.stop(timeout=1)
        self._wake.close()
        get_hub().destroy(destroy_loop=True)
