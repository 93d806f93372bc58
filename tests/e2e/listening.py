"""A WebSocket client that keeps its messages, for tests that wait for a number."""

from __future__ import annotations

import json
import threading
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Listening:
    """Listens to one socket from its own thread while its block lasts; ``all`` may be read at any time."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._done = threading.Event()
        self.all: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._listen, name="listening", daemon=True)

    @property
    def newest(self) -> dict[str, Any]:
        return self.all[-1] if self.all else {}

    def viewers(self) -> int | None:
        """The viewer count of the newest message."""
        data = self.newest.get("data", {})
        found = data.get("currentViewers", data.get("totalViewers"))
        return None if found is None else int(found)

    def __enter__(self) -> Listening:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(timeout=10)

    def _listen(self) -> None:
        with connect(self._address, open_timeout=10, close_timeout=5) as socket:
            while not self._done.is_set():
                try:
                    self.all.append(json.loads(socket.recv(timeout=0.2)))
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return
