"""The routes of launched media servers, and their targets for Prometheus' HTTP discovery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, Response, request

from bridge import contract, problems
from bridge.answers import answer, json_body
from bridge.auth import current_identity, open_route, require_role
from bridge.containers.media_servers import MediaServers, as_problems
from bridge.containers.request import read_launch
from bridge.containers.shapes import container_status, container_stopped, launch_response
from bridge.containers.targets import target_groups
from bridge.identity import OPERATOR
from bridge.openapi import Parameter, describe
from bridge.parameters import whole_number
from bridge.problems import Problem
from bridge.services import Services
from bridge.streams.fields import STREAM_ID

TAG = "containers"
LINES, LINES_LIMIT = 100, 5000
LINES_QUERY = (Parameter("lines", int, "the last so many", schema={"minimum": 1, "maximum": LINES_LIMIT}),)


def routes(services: Services) -> Blueprint:
    """The blueprint; every route answers 503 where no driver is configured."""
    blueprint = Blueprint("containers", __name__)
    views = ContainerViews(services)
    add = blueprint.add_url_rule
    add("/containers/launch/<event_id>", "launch", views.launch, methods=["POST"])
    add("/containers/stop/<container_id>", "stop", views.stop, methods=["POST"])
    add("/containers/status/<container_id>", "status", views.status, methods=["GET"])
    add("/containers/logs/<container_id>", "logs", views.logs, methods=["GET"])
    add("/internal/targets", "targets", views.targets, methods=["GET"])
    return blueprint


class ContainerViews:
    """What each route does."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @describe(
        "Launch a media server for an event",
        contract.LaunchResponse,
        tag=TAG,
        body=contract.LaunchRequest,
        body_required=False,
        errors=(404, 409),
    )
    def launch(self, event_id: str) -> Response:
        servers = self._servers()
        with self._counted("container_launch"):
            require_role(OPERATOR)
            self._check_event(event_id)
            wanted = read_launch(json_body())
            recording = wanted.recording and servers.records
            notes = [] if recording or not wanted.recording else ["It does not record: no folder is configured for it."]
            tenant_id = self._services.access.tenant_of(event_id)
            container, size = as_problems(
                lambda: servers.launcher.launch(event_id, tenant_id, wanted.expected_viewers, recording)
            )
            return answer(launch_response(container, size, servers.public_host, notes))

    @describe("Stop a media server", contract.ContainerStopped, tag=TAG, errors=(404,))
    def stop(self, container_id: str) -> Response:
        servers = self._servers()
        with self._counted("container_stop"):
            require_role(OPERATOR)
            servers.check(current_identity(), container_id)
            return answer(container_stopped(as_problems(lambda: servers.launcher.end(container_id))))

    @describe("How a media server fares", contract.ContainerStatus, tag=TAG, errors=(404,))
    def status(self, container_id: str) -> Response:
        servers = self._servers()
        servers.check(current_identity(), container_id)
        reading = as_problems(lambda: servers.launcher.reading(container_id))
        return answer(container_status(reading, servers.launcher, self._services.clock()))

    @describe("What a media server wrote", contract.ContainerLogs, tag=TAG, query=LINES_QUERY, errors=(404,))
    def logs(self, container_id: str) -> Response:
        require_role(OPERATOR)
        lines = whole_number("lines", request.args.get("lines"), LINES, LINES_LIMIT)
        servers = self._servers()
        servers.check(current_identity(), container_id)
        found = as_problems(lambda: servers.launcher.logs(container_id, lines))
        rows = [{"timestamp": one.timestamp, "message": one.message} for one in found]
        return answer({"container_id": container_id, "logs": rows})

    @open_route
    def targets(self) -> Response:
        """Target groups for ``http_sd_configs``."""
        self._services.auth.check_internal()
        servers = self._servers()
        return answer(target_groups(as_problems(servers.launcher.driver.list), servers.scrape_host))

    def _servers(self) -> MediaServers:
        servers: MediaServers | None = self._services.containers
        if servers is None:
            raise problems.unavailable("no media servers are launched here (BRIDGE_CONTAINERS_DRIVER is none)", 60)
        return servers

    def _check_event(self, event_id: str) -> None:
        """The event must be a stream that the caller may command, and one that is not over."""
        if not STREAM_ID.fullmatch(event_id):
            raise problems.not_found("stream", event_id)
        registry = self._services.registry
        record = registry.require(event_id) if registry is not None and registry.is_durable else None
        self._services.access.check(current_identity(), event_id)
        if record is not None and record.status in ("ended", "cancelled"):
            raise problems.conflict(f"stream {event_id!r} is over")

    @contextmanager
    def _counted(self, action: str) -> Iterator[None]:
        commands = self._services.telemetry.commands
        try:
            yield
        except Problem as problem:
            commands.add(1, action, "failed" if problem.status >= 500 else "refused")
            raise
        commands.add(1, action, "ok")
