"""Real HLS players for the end-to-end tests: hls.js in Chromium, and small players of our own on the wire."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import requests

from deploy.local.audience import Viewer
from deploy.local.config import PROJECT, LocalConfig

HERE = Path(__file__).parent
FILES = {"/hls.js": PROJECT / "node_modules/hls.js/dist/hls.min.js", "/player.html": HERE / "player.html"}


class WirePlayer:
    """A player of our own in a thread: fetches playlists and segments with CMCD until it is stopped."""

    def __init__(self, config: LocalConfig, seed: int) -> None:
        self._viewer = Viewer(config, random.Random(seed))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"player-{seed}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        self._viewer.session.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                pause = self._viewer.turn()
            except requests.RequestException:
                pause = 0.5
            self._stop.wait(pause)


class _Files(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        return str(FILES.get(path.split("?")[0], HERE / "nothing"))

    def log_message(self, format: str, *args: object) -> None:
        """Requests are of no interest."""


@contextmanager
def player_site() -> Iterator[str]:
    """A site with the player page and hls.js; yields its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def player_address(site: str, config: LocalConfig, session_id: str) -> str:
    """The page's address for the stack's test stream."""
    source = config.url(config.edge_port, f"/hls/{config.stream}.m3u8")
    return f"{site}/player.html?" + urlencode({"src": source, "cmcd": session_id, "cid": config.stream})
