"""Health and build of this bridge: /healthz, /readyz, /api/version."""

from __future__ import annotations

from flask import Blueprint, Response

from bridge import contract
from bridge.answers import answer
from bridge.auth import open_route
from bridge.services import Services
from exporters.server import build_version


def routes(services: Services) -> Blueprint:
    """The views, mounted at the root."""
    area = Blueprint("health", __name__)

    @area.get("/healthz")
    @open_route
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @area.get("/readyz")
    @open_route
    def readyz() -> Response:
        state = readiness(services)
        return answer(state, 200 if state["ready"] else 503)

    @area.get("/api/version")
    @open_route
    def version() -> Response:
        number, revision = build_version()
        body: contract.Version = {"name": "bigfoot-live-analytics", "version": number, "revision": revision}
        return answer(body)

    return area


def readiness(services: Services) -> contract.Readiness:
    """Whether the bridge should get requests. The database is reported, but live numbers need none."""
    snapshots = services.snapshots
    age = snapshots.age_seconds()
    fresh = not snapshots.is_stale()
    said = f"snapshot is {age:.1f} s old" if snapshots.present is not None else "no snapshot yet"
    dependencies: dict[str, contract.Dependency] = {"prometheus": {"ready": fresh, "detail": said}}
    if services.database_watch is not None:
        up = services.database_watch.is_up
        dependencies["database"] = {"ready": up, "detail": "answers" if up else "does not answer"}
    draining = services.hub is not None and services.hub.draining
    return {"ready": fresh and not draining, "draining": draining, "dependencies": dependencies}
