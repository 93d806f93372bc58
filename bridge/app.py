"""The Flask app: areas below their mounts, and what holds for every request (ids, callers, limits, errors, logs)."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Sequence

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge import docs, health, live_sockets
from bridge.answers import MAX_BODY_BYTES, answer_problem
from bridge.auth import current_identity
from bridge.openapi import MOUNTS, REPEATS
from bridge.origins import Origins, add_cors, is_preflight
from bridge.outbox import OutboxMiddleware
from bridge.problems import Problem, forbidden, too_large
from bridge.services import Services

log = logging.getLogger("bridge.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def create_app(services: Services, areas: Sequence[Blueprint], pages: Sequence[Blueprint] = ()) -> Flask:
    """The app over these services: areas are mounted three times, pages once."""
    app = Flask("bridge", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    _guard(app, services)
    for area in areas:
        mount(app, area)
    for page in pages:
        app.register_blueprint(page)
    app.register_blueprint(health.routes(services))
    app.register_blueprint(docs.routes())
    if services.hub is not None:
        live_sockets.register(app, services)
        app.wsgi_app = OutboxMiddleware(app.wsgi_app)  # type: ignore[method-assign]
    if services.config.trusted_proxies:
        hops = services.config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def mount(app: Flask, area: Blueprint) -> None:
    """Register an area below each of the three mounts: one blueprint, no copies."""
    for prefix, suffix in zip(MOUNTS, ("", *REPEATS), strict=True):
        app.register_blueprint(area, url_prefix=prefix or None, name=f"{area.name}{suffix}")


def _guard(app: Flask, services: Services) -> None:
    origins = Origins(services.config.origins)
    telemetry = services.telemetry

    @app.before_request
    def begin() -> Response | None:
        g.begun = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
        telemetry.in_flight.add(1)
        if is_preflight():
            return Response(status=204)
        if _is_handshake():
            _check_handshake(origins)
            return None
        view = app.view_functions.get(request.endpoint or "")
        is_open = view is None or getattr(view, "open_route", False)
        if not is_open:
            services.limits.count_address(request.remote_addr or "")
        services.auth.check_request(is_open)
        services.limits.count_caller(current_identity())
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        if _is_handshake() and response.status_code == 200:
            return response  # already answered, by the handshake
        response.headers["X-Request-Id"] = g.request_id
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        add_cors(response, origins)
        return response

    @app.teardown_request
    def end(error: BaseException | None) -> None:
        telemetry.in_flight.add(-1)

    @app.after_request
    def report(response: Response) -> Response:
        seconds = time.perf_counter() - g.begun
        route = request.url_rule.rule if request.url_rule else "unmatched"
        upgraded = response.status_code == 200 and _is_handshake()
        status = 101 if upgraded else response.status_code
        telemetry.answered(route, request.method, status, seconds)
        if services.config.access_log:
            log.info(
                "%s %s %d %.1fms id=%s",
                request.method,
                request.full_path if request.query_string else request.path,
                status,
                seconds * 1000,
                g.request_id,
            )
        return response

    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _is_handshake() -> bool:
    return str(request.environ.get("HTTP_UPGRADE", "")).lower() == "websocket"


def _check_handshake(origins: Origins) -> None:
    """Refuse a WebSocket handshake from a foreign page (RFC 6455 §10.2); programs send no Origin."""
    origin = request.headers.get("Origin")
    if origin is not None and not origins.allows(origin):
        raise forbidden(f"WebSockets are not allowed from the origin {origin[:100]}")


def _http_error(error: HTTPException) -> Response:
    if error.code == 413:
        return answer_problem(too_large(MAX_BODY_BYTES))
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    detail = f"no {request.path}" if status == 404 else re.sub(r"<[^>]+>", "", error.description or error.name)
    return answer_problem(Problem(status, detail, headers=headers))


def _unexpected(error: Exception) -> Response:
    log.exception("request %s failed", getattr(g, "request_id", ""))
    return answer_problem(Problem(500, "an unexpected error; the request id is in the log"))
