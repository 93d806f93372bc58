"""Plain reads in front of Flask: a GET whose answer is JSON text at hand is given at once, everything else by Flask.

A view made by ``read_view`` answers the same in both places; this spares its usual request Flask's own objects.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from flask import Flask, Response
from werkzeug.datastructures import EnvironHeaders
from werkzeug.http import HTTP_STATUS_CODES

from bridge.answers import JSON_TYPE, answer_encoded, problem_document
from bridge.auth import current_identity
from bridge.origins import Origins
from bridge.problems import Problem, unexpected
from bridge.request_log import RequestLog, request_id
from bridge.routes import Routes, has_plain_host
from bridge.services import Services

log = logging.getLogger("bridge.request")
STATUS_LINES = {code: f"{code} {phrase.upper()}" for code, phrase in HTTP_STATUS_CODES.items()}
Read = Callable[..., bytes]
"""Gives a caller, and the arguments that its path holds, the JSON text of an answer; raises Problems."""
Environ = dict[str, Any]
Headers = list[tuple[str, str]]


def read_view(read: Read) -> Callable[..., Response]:
    """The view of a read that depends on nothing but caller and path."""

    @wraps(read)
    def view(**arguments: str) -> Response:
        return answer_encoded(read(current_identity(), **arguments))

    view.read = read  # type: ignore[attr-defined]
    return view


class Reads:
    """WSGI middleware directly around the app."""

    def __init__(self, app: Flask, services: Services, origins: Origins, requests: RequestLog) -> None:
        self._application: Callable[..., Iterable[bytes]] = app.wsgi_app
        self._views = app.view_functions
        self._routes = Routes(app)
        self._services = services
        self._origins = origins
        self._requests = requests

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = self._routes.find(environ["PATH_INFO"]) if is_plain(environ) else None
        read: Read | None = getattr(self._views[found[0].endpoint], "read", None) if found else None
        if found is None or read is None:
            return self._application(environ, start_response)
        route, arguments = found[0].rule, found[1]
        begun = time.perf_counter()
        identifier = request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self._services.telemetry.in_flight.add(1)
        try:
            status, headers, body = self._answer(environ, identifier, read, arguments)
        finally:
            self._services.telemetry.in_flight.add(-1)
        headers += [("X-Request-Id", identifier), *self._origins.headers(environ.get("HTTP_ORIGIN", ""))]
        self._requests.note(route, "GET", environ.get("RAW_URI", route), status, begun, identifier)
        start_response(STATUS_LINES[status], headers)
        return [body]

    def _answer(
        self, environ: Environ, identifier: str, read: Read, arguments: Mapping[str, str]
    ) -> tuple[int, Headers, bytes]:
        try:
            identity = self._services.admit(environ.get("REMOTE_ADDR", ""), EnvironHeaders(environ), {}, "GET")
            body = read(identity, **arguments)
        except Exception as error:
            if not isinstance(error, Problem):
                log.exception("request %s failed", identifier)
                error = unexpected()
            document = problem_document(error, environ["PATH_INFO"], identifier)
            return document.status_code, list(document.headers), document.get_data()
        return 200, [("Content-Type", JSON_TYPE), ("Content-Length", str(len(body)))], body


def is_plain(environ: Environ) -> bool:
    """Whether this is a GET that holds nothing but a path and headers, for an ordinary host."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and "HTTP_UPGRADE" not in environ
        and "HTTP_TRANSFER_ENCODING" not in environ
        and environ.get("CONTENT_LENGTH") in (None, "", "0")
        and has_plain_host(environ)
    )
