"""The sender of batches to the session engine: oldest first, each again until it is taken."""

from __future__ import annotations

import http.client
import logging
from urllib.parse import urlsplit

from exporters import checks
from exporters.cdn.checkpoint import OutboxBatch
from exporters.cdn.ledger import Ledger
from exporters.loop import Loop

log = logging.getLogger(__name__)
IDLE_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
REFUSALS = frozenset({400, 411, 413, 415, 422})
check_url = checks.url("http://127.0.0.1:9704/handoff", ("http",))


class OutboxSender(Loop):
    """A worker that empties the outbox by POST; while the engine is away, batches wait in the checkpoint."""

    def __init__(self, ledger: Ledger, url: str, timeout_seconds: float = 10.0) -> None:
        super().__init__("handoff")
        check_url("CDN_HANDOFF_URL", url)
        parts = urlsplit(url)
        self._ledger = ledger
        self._host, self._port, self._path = parts.hostname or "", parts.port or 80, parts.path or "/"
        self._timeout_seconds = timeout_seconds
        self._connection: http.client.HTTPConnection | None = None
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def stop(self) -> None:
        self.stopping.set()
        self._ledger.on_batch.set()
        super().stop()
        self.close()

    def close(self) -> None:
        """Close the connection, where one is kept."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def take_turn(self) -> float:
        """Send what there is, or wait for a batch; gives how long an engine that is away is left alone."""
        self._ledger.on_batch.clear()
        while self.send_oldest():
            self._pause_seconds = FIRST_PAUSE_SECONDS
            if self.stopping.is_set():
                return 0.0
        if self._ledger.checkpoint.next_batch() is None:
            self._ledger.on_batch.wait(IDLE_SECONDS)
            return 0.0
        pause = self._pause_seconds
        self._pause_seconds = min(LONGEST_PAUSE_SECONDS, pause * 2)
        return pause

    def send_oldest(self) -> bool:
        """Send the oldest batch; true when there may be more to send at once."""
        batch = self._ledger.checkpoint.next_batch()
        if batch is None:
            return False
        status = self._post(batch)
        if status == 200:
            self._ledger.settle(batch, "taken")
        elif status in REFUSALS:
            log.error("the session engine refused batch %s %d with %d", batch.source, batch.sequence, status)
            self._ledger.settle(batch, "refused")
        else:
            log.warning("the session engine answered %s; batch %d waits", status or "nothing", batch.sequence)
            return False
        return True

    def _post(self, batch: OutboxBatch) -> int:
        """The answer's status, 0 for no answer."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_seconds)
        try:
            self._connection.request("POST", self._path, batch.body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0
        return answer.status
