"""A session engine's hand-off port for tests: takes each sequence of a source once, as the protocol says."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from exporters.handoff import Batch, DeliveryRecord, read_batch


class Taker:
    """An HTTP server on a free port; ``bodies`` is all that came, ``batches`` what was taken."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.batches: list[Batch] = []
        self._last: dict[str, int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/handoff"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def take(self, body: bytes) -> int:
        self.bodies.append(body)
        batch = read_batch(body)
        if self.status == 200 and batch.sequence > self._last.get(batch.source, 0):
            self._last[batch.source] = batch.sequence
            self.batches.append(batch)
        return self.status

    def records(self) -> list[DeliveryRecord]:
        return [record for batch in self.batches for record in batch.records]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        taker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                status = taker.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler
