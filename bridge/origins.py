"""Which browser origins may call: one allow-list for CORS and for WebSocket handshakes."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Response, request

METHODS = "GET, POST, PATCH, DELETE, OPTIONS"
HEADERS = "Authorization, Content-Type, X-Request-Id"
EXPOSED = "X-Request-Id, Link, Retry-After, Content-Disposition"


class Origins:
    """An allow-list of ``scheme://host[:port]``; ``*`` in the place of the port stands for any."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._exact = frozenset(one.rstrip("/").lower() for one in allowed if not one.endswith(":*"))
        self._any_port = frozenset(one[:-2].lower() for one in allowed if one.endswith(":*"))

    def allows(self, origin: str) -> bool:
        origin = origin.lower()
        if origin in self._exact:
            return True
        try:
            parts = urlsplit(origin)
            host = parts.hostname or ""
            # Reading the port also refuses one that is no number.
            plain = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
            written = plain if parts.port is None else f"{plain}:{parts.port}"
        except ValueError:
            return False
        return origin == written and plain in self._any_port

    def headers(self, origin: str) -> list[tuple[str, str]]:
        """What lets an allowed origin read an answer (Fetch standard, "CORS protocol")."""
        if not (origin and self.allows(origin)):
            return []
        return [("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", EXPOSED)]


def is_preflight() -> bool:
    """Whether the present request asks for permission to make another."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def add_cors(response: Response, origins: Origins) -> None:
    """Let an allowed origin read the answer, and make the request that it asks for."""
    headers = origins.headers(request.headers.get("Origin", ""))
    response.headers.extend(headers)
    if headers and is_preflight():
        response.headers["Access-Control-Allow-Methods"] = METHODS
        response.headers["Access-Control-Allow-Headers"] = HEADERS
        response.headers["Access-Control-Max-Age"] = "600"
