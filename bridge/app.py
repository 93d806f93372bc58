"""The Flask app: areas below their mounts, and what holds for every request (ids, callers, limits, errors, logs)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge import docs, health, live_sockets
from bridge.answers import MAX_BODY_BYTES, answer_problem
from bridge.guard import RequestGuard
from bridge.handshake import Handshakes
from bridge.headers import SecurityHeaders
from bridge.openapi import MOUNTS, REPEATS
from bridge.origins import Origins
from bridge.problems import Problem, too_large, unexpected
from bridge.reads import Reads
from bridge.request_log import RequestLog
from bridge.services import Services

log = logging.getLogger("bridge.request")


class BridgeApp(Flask):
    """Flask, spared the question before each call whether a function is a coroutine: none is.

    Internal routes are reached below no mount but the empty one: proxies forward what is below ``/api``.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func

    def add_url_rule(self, rule: str, *arguments: Any, **options: Any) -> None:
        if not any(rule.startswith(f"{prefix}/internal/") for prefix in MOUNTS if prefix):
            super().add_url_rule(rule, *arguments, **options)


def create_app(services: Services, areas: Sequence[Blueprint], pages: Sequence[Blueprint] = ()) -> Flask:
    """The app over these services: areas are mounted three times (but their internal routes once), pages once."""
    app = BridgeApp("bridge", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    origins = Origins(services.config.origins)
    requests = RequestLog(services.telemetry, services.config.access_log)
    RequestGuard(app, services, origins, requests)
    _handle_errors(app)
    for area in areas:
        mount(app, area)
    for page in pages:
        app.register_blueprint(page)
    app.register_blueprint(health.routes(services))
    app.register_blueprint(docs.routes())
    app.wsgi_app = Reads(app, services, origins, requests)  # type: ignore[method-assign]
    app.wsgi_app = SecurityHeaders(app.wsgi_app)  # type: ignore[method-assign]
    if services.hub is not None:
        live_sockets.register(app, services)
        app.wsgi_app = Handshakes(app, origins, requests)  # type: ignore[method-assign]
    if services.config.trusted_proxies:
        hops = services.config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def mount(app: Flask, area: Blueprint) -> None:
    """Register an area below each of the three mounts: one blueprint, no copies."""
    for prefix, suffix in zip(MOUNTS, ("", *REPEATS), strict=True):
        app.register_blueprint(area, url_prefix=prefix or None, name=f"{area.name}{suffix}")


def _handle_errors(app: Flask) -> None:
    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _http_error(error: HTTPException) -> Response:
    if error.code == 413:
        return answer_problem(too_large(MAX_BODY_BYTES))
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    detail = f"no {request.path}" if status == 404 else re.sub(r"<[^>]+>", "", error.description or error.name)
    return answer_problem(Problem(status, detail, headers=headers))


def _unexpected(error: Exception) -> Response:
    log.exception("request %s failed", getattr(g, "request_id", ""))
    return answer_problem(unexpected())
