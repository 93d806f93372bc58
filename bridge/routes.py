"""Which route a path is of, for what answers in front of Flask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException, Rule

KEPT_PATHS = 4096
MAX_PATH = 256
HOST = re.compile(r"(?:[A-Za-z0-9_-]{1,57}(?:\.[A-Za-z0-9_-]{1,57})*|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""Names, addresses and ports as clients send them: a label and a port stay below the 63 bytes that werkzeug allows"""


def has_plain_host(environ: Mapping[str, Any]) -> bool:
    """Whether the Host is absent or an ordinary one; what Flask makes of any other, it must say itself."""
    host = environ.get("HTTP_HOST")
    return host is None or HOST.fullmatch(host) is not None


class Routes:
    """The GET routes of an app, or its WebSocket routes; a path that was looked up is remembered."""

    def __init__(self, app: Flask, websocket: bool = False) -> None:
        self._adapter = app.url_map.bind("localhost")
        self._websocket = websocket
        self._kept = lru_cache(KEPT_PATHS)(self._match)

    def find(self, path: str) -> tuple[Rule, Mapping[str, Any]] | None:
        """The route and the arguments that the path holds; None also for a path that is long or written oddly."""
        if len(path) > MAX_PATH or not path.isascii() or path.startswith("//"):
            return None
        return self._kept(path)

    def _match(self, path: str) -> tuple[Rule, Mapping[str, Any]] | None:
        try:
            return self._adapter.match(path, "GET", return_rule=True, websocket=self._websocket)
        except (HTTPException, RoutingException):
            return None
