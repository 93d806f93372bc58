"""The console page: its files, and one answer with everything it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, send_from_directory

from bridge import numbers
from bridge.auth import open_route
from bridge.console import overview
from bridge.identity import Identity
from bridge.problems import Problem
from bridge.reads import read_view
from bridge.services import Services
from bridge.snapshot import Snapshot, StreamState
from prometheus import queries

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "dist"
MAX_STREAMS = 200
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def pages() -> Blueprint:
    """The page and its bundle, at the root of the server."""
    area = Blueprint("console", __name__)

    @area.get("/")
    @open_route
    def page() -> Response:
        answer = send_from_directory(FOLDER, "index.html", max_age=0)
        answer.headers["Content-Security-Policy"] = CONTENT_POLICY
        return answer

    @area.get("/console/<path:name>")
    @open_route
    def bundle(name: str) -> Response:
        if not BUNDLE.is_dir():
            raise Problem(503, "the console is not built: run `npm ci && npm run build`, or `make up`")
        return send_from_directory(BUNDLE, name)

    return area


def routes(services: Services) -> Blueprint:
    """What the page asks, with paths relative to a mount."""
    area = Blueprint("overview", __name__)

    @area.get("/console/overview")
    @read_view
    def everything(identity: Identity) -> bytes:
        snapshot = services.snapshots.latest()
        sees = None if identity.is_admin else lambda stream: services.access.may_see(identity, stream)
        shown = [state for state in snapshot.streams.values() if (sees is None or sees(state.stream)) and _is_on(state)]
        shown.sort(key=lambda state: (-(state.value(queries.VIEWERS) or 0), state.stream))
        body = {
            "meta": services.snapshots.meta(snapshot),
            "totals": numbers.platform_numbers(snapshot, sees),
            "streams": [_stream(services, snapshot, state) for state in shown[:MAX_STREAMS]],
        }
        return orjson.dumps(body)

    return area


def _is_on(state: StreamState) -> bool:
    """Whether a stream belongs on the page: published, or still watched although its ingest is gone."""
    return state.publishing or bool(state.value(queries.VIEWERS))


def _stream(services: Services, snapshot: Snapshot, state: StreamState) -> dict[str, Any]:
    course = services.timeline.course(state.stream, snapshot.taken)
    return overview.stream(state, numbers.real_time(state, course, snapshot.taken), services.title_of(state.stream))
