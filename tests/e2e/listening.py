"""A WebSocket client that keeps the newest message of each kind, for tests that wait for a number."""

from __future__ import annotations

import json
import threading
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Listening:
    """Listens to one socket from its own thread; ``newest`` and ``all`` may be read at any time."""

    def __init__(self, address: str) -> None:
        self._socket = connect(address, open_timeout=10, close_timeout=2)
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
        self._socket.close()
        self._thread.join(timeout=5)

    def _listen(self) -> None:
        try:
            for message in self._socket:
                self.all.append(json.loads(message))
        except ConnectionClosed:
            return
