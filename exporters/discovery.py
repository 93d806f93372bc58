"""Which streams are live: a directory that follows HTTP lists served by the RTMP exporter or the bridge.

The list is ``{"streams": [{"stream": "demo", "app": "live", "state": "live", "started": 1795425442.8}]}``; ``started``
is a Unix time in seconds, ``state`` is ``live`` or ``ended``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson
import requests

from exporters.errors import SourceFormatError
from exporters.loop import Loop

log = logging.getLogger(__name__)
MAX_LIST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class LiveStream:
    """A stream by its public id, where it is published, whether it is live, and since when (Unix seconds)."""

    stream: str
    app: str
    state: str
    started: float


def parse_streams(body: bytes) -> tuple[LiveStream, ...]:
    """Read a stream list; raises SourceFormatError when it is not one."""
    try:
        rows = orjson.loads(body)["streams"]
        return tuple(
            LiveStream(str(row["stream"]), str(row.get("app", "")), str(row["state"]), float(row["started"]))
            for row in rows
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(f"not a stream list: {error}") from error


def write_streams(streams: Iterable[LiveStream]) -> bytes:
    """A stream list as JSON."""
    rows: list[dict[str, Any]] = [
        {"stream": one.stream, "app": one.app, "state": one.state, "started": one.started} for one in streams
    ]
    return orjson.dumps({"streams": rows})


class StreamDirectory(Loop):
    """Polls stream lists and keeps the last good answer of each, so that a source that is away removes no stream.

    ``streams`` is a read-only mapping that is swapped whole; ``known`` is false until a first list has arrived.
    """

    def __init__(
        self, urls: Sequence[str], interval_seconds: float = 1.0, timeout_seconds: float = 2.0, token: str = ""
    ) -> None:
        super().__init__("directory")
        self._urls = tuple(urls)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._interval_seconds = interval_seconds
        self._timeout_seconds = timeout_seconds
        self._by_url: dict[str, tuple[LiveStream, ...]] = {}
        self._away: set[str] = set()
        self._listeners: list[Callable[[Mapping[str, LiveStream]], None]] = []
        self._session = requests.Session()
        self.streams: Mapping[str, LiveStream] = MappingProxyType({})
        self.known = False

    def on_change(self, listener: Callable[[Mapping[str, LiveStream]], None]) -> None:
        """Call ``listener`` with the streams whenever they have changed, from the directory's thread."""
        self._listeners.append(listener)

    def start(self) -> None:
        if self._urls:
            super().start()

    def stop(self) -> None:
        super().stop()
        self._session.close()

    def take_turn(self) -> float:
        begun = time.monotonic()
        self.refresh(self._session)
        return max(0.05, self._interval_seconds - (time.monotonic() - begun))

    def refresh(self, session: requests.Session) -> None:
        """Ask each source once."""
        for url in self._urls:
            try:
                answer = session.get(url, headers=self._headers, timeout=self._timeout_seconds)
                answer.raise_for_status()
                if len(answer.content) > MAX_LIST_BYTES:
                    raise SourceFormatError(f"stream list over {MAX_LIST_BYTES} bytes")
                self._by_url[url] = parse_streams(answer.content)
                self._away.discard(url)
            except (requests.RequestException, SourceFormatError) as error:
                if url not in self._away:
                    log.warning("stream list %s is away, its last answer stays: %s", url, error)
                self._away.add(url)
        if self._by_url:
            self.known = True
        merged = {one.stream: one for streams in self._by_url.values() for one in streams}
        if merged != self.streams:
            self.streams = MappingProxyType(merged)
            for listener in self._listeners:
                listener(self.streams)
