"""What happens around every request: its id, its caller, its limits, its CORS headers, its log line and its metrics."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request

from bridge import handshake
from bridge.origins import Origins, add_cors, is_preflight
from bridge.problems import Problem, forbidden
from bridge.request_log import RequestLog, request_id
from bridge.services import Services

HEALTH = frozenset({"/healthz", "/readyz", "/api/version"})
INTERNAL = "/internal/"
"""Open routes that are not counted against an address: supervisors and our own processes must always be answered."""


class RequestGuard:
    """Registers itself around an app's views."""

    def __init__(self, app: Flask, services: Services, origins: Origins, requests: RequestLog) -> None:
        self._app = app
        self._services = services
        self._telemetry = services.telemetry
        self._origins = origins
        self._requests = requests
        app.before_request(self.begin)
        app.after_request(self.finish)
        app.teardown_request(self.end)

    def begin(self) -> Response | None:
        """Give the request its id and its caller; raises the Problem that refuses it."""
        g.begun = time.perf_counter()
        g.request_id = request_id(request.headers.get("X-Request-Id", ""))
        self._telemetry.in_flight.add(1)
        if is_preflight():
            return Response(status=204)
        if is_socket():
            try:
                self._check_page()
                handshake.check(request.environ)
            except Problem:
                self._services.limits.count_address(request.remote_addr or "")
                raise
            return None
        view = self._app.view_functions.get(request.endpoint or "")
        is_open = view is None or getattr(view, "open_route", False)
        if is_open:
            route = request.url_rule.rule if request.url_rule else ""
            if route not in HEALTH and INTERNAL not in route:
                self._services.limits.count_address(request.remote_addr or "")
            g.identity = self._services.auth.passer_by()
        else:
            g.identity = self._services.admit(request.remote_addr or "", request.headers, request.args, request.method)
        return None

    def finish(self, response: Response) -> Response:
        """Complete the answer, and say how it went."""
        upgraded = response.status_code == 200 and is_socket()
        if not upgraded:  # else the handshake has answered already
            response.headers.add("X-Request-Id", g.request_id)
            add_cors(response, self._origins)
        status = 101 if upgraded else response.status_code
        route = request.url_rule.rule if request.url_rule else "unmatched"
        # The target as it came: a decoded path may hold a line break, which would forge a log line.
        target = request.environ.get("RAW_URI", route)
        self._requests.note(route, request.method, target, status, g.begun, g.request_id)
        return response

    def end(self, error: BaseException | None) -> None:
        self._telemetry.in_flight.add(-1)

    def _check_page(self) -> None:
        """Refuse a WebSocket handshake from a foreign page (RFC 6455 §10.2); programs send no Origin."""
        origin = request.headers.get("Origin")
        if origin is not None and not self._origins.allows(origin):
            raise forbidden(f"WebSockets are not allowed from the origin {origin[:100]}")


def is_socket() -> bool:
    """Whether the request reached a WebSocket route, which looks for its caller itself. Headers alone prove nothing."""
    return request.url_rule is not None and request.url_rule.websocket
