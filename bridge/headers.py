"""Security headers on every answer, added below Flask: there a header costs one list entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)
VARY = ("Vary", "Origin")  # a further line: what varies already goes on to (RFC 9110 §5.2)
LOWER_NAMES = tuple(name.lower() for name, _ in SECURITY_HEADERS)


class SecurityHeaders:
    """WSGI middleware; an answer that has a header of its own keeps it."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            missing = [one for one, name in zip(SECURITY_HEADERS, LOWER_NAMES, strict=True) if name not in present]
            return start_response(status, [*headers, *missing, VARY], *rest)

        return self._application(environ, start)
