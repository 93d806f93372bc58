"""gunicorn's gevent worker, that drains before it ends: /readyz fails first, then sockets close with 1001."""

from __future__ import annotations

import socket
from types import FrameType
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventWorker

SEND_BUFFER_BYTES = 128 << 10


class BridgeWorker(GeventWorker):  # type: ignore[misc]
    """Serves one bridge; its background parts start and stop with the worker."""

    bridge: Any = None
    _draining = False

    def load_wsgi(self) -> None:
        # Only now, after gevent's patches: this imports what opens sockets.
        from bridge.wsgi import Bridge

        for listener in self.sockets:
            # Accepted sockets inherit it: what a stalled reader makes the kernel hold stays small.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.bridge = Bridge.from_environment()
        self.wsgi = self.bridge.app
        self.bridge.start()

    def handle_request(self, *request: Any) -> Any:
        answered = super().handle_request(*request)
        # A quick client's next request is there already, and reading it would not wait: the others have their turn now.
        gevent.sleep(0)
        return answered

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # A supervisor may signal the whole process group, and gunicorn's master signals as well: drain once.
        if not self._draining:
            self._draining = True
            gevent.spawn(self._drain, sig, frame)  # a signal handler must not wait

    def _drain(self, *signal: Any) -> None:
        if self.bridge is not None:
            self.bridge.drain()
        super().handle_exit(*signal)
