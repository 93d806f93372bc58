"""Distinct viewers over all shards: each shard serves its sketches, and any of them may merge the others'."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import requests

from exporters.server import Reply, Request
from exporters.viewers.shard import Shard
from exporters.viewers.uniques import WINDOWS, Sketch

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5.0
CHAT = "chat"


class SketchExchange:
    """Serves this shard's sketches and keeps those of its peers (internal base URLs) as last heard."""

    def __init__(self, shard: Shard, peers: Sequence[str]) -> None:
        self._shard = shard
        self._peers = tuple(peers)
        self._heard: dict[str, dict[tuple[str, str], Sketch]] = {}

    def serve(self, request: Request) -> Reply:
        """``GET /sketches``: ``{"sketches": [[stream, window, base64], …]}``."""
        now = self._shard.now()
        with self._shard.lock:
            rows = [
                [broadcast.stream, window, sketch.text()]
                for broadcast in self._shard.engine.broadcasts.values()
                for window, sketch in [
                    ("stream", broadcast.viewers.whole),
                    (CHAT, broadcast.chatters),
                    *((name, broadcast.viewers.window(name, now)) for name in WINDOWS),
                ]
            ]
        return Reply(200, orjson.dumps({"sketches": rows}), "application/json")

    def turn(self) -> None:
        """Ask each peer once; one that does not answer is taken as it was."""
        for peer in self._peers:
            try:
                answer = requests.get(f"{peer.rstrip('/')}/sketches", timeout=TIMEOUT_SECONDS)
                answer.raise_for_status()
                self._heard[peer] = _read(orjson.loads(answer.content))
            except (requests.RequestException, ValueError, KeyError, TypeError) as error:
                log.warning("sketches of %s: %s", peer, error)

    def estimate(self, stream: str, window: str, own: Sketch) -> float:
        """Distinct viewers of a stream and window over all shards."""
        others = [heard[stream, window] for heard in list(self._heard.values()) if (stream, window) in heard]
        return (Sketch.merged([own, *others]) if others else own).estimate()


def _read(document: dict[str, Any]) -> dict[tuple[str, str], Sketch]:
    rows: Iterable[tuple[str, str, str]] = document["sketches"]
    return {(stream, window): Sketch(text) for stream, window, text in rows if text}
