"""A bridge inside the test: real services over a real database, a snapshot of our choice, and callers with tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bridge.access import Access
from bridge.alerts import assembly as alerts_assembly
from bridge.alerts import rest as alerts_rest
from bridge.app import create_app
from bridge.auth import Authenticator
from bridge.config import Config
from bridge.containers import rest as containers_rest
from bridge.database import Database
from bridge.limits import RateLimits
from bridge.services import Services
from bridge.snapshot import SnapshotStore, build
from bridge.streams import assembly as streams_assembly
from bridge.streams import rest as streams_rest
from bridge.streams.settings import StreamsConfig
from bridge.telemetry import Telemetry
from bridge.tokens import mint, verifier
from exporters.settings import Secret
from prometheus import queries

INTERNAL = "internal-token-of-the-tests"
CONFIG = Config(
    auth="required",
    jwt_secret=Secret("s" * 32),
    internal_token=Secret(INTERNAL),
    rtmp_url="rtmp://127.0.0.1:1935/live",
    playback_url="http://127.0.0.1:8081/hls",
)


@dataclass
class World:
    """The services of one bridge, and the Flask app over them."""

    services: Services
    app: Flask
    reflector: Any = None

    def show(self, *results: tuple[queries.Query, Mapping[tuple[str, ...], float]], taken: float | None = None) -> None:
        """Make these query results the present snapshot."""
        found = {query.name: dict(values) for query, values in results}
        self.services.snapshots.swap(build(time.time() if taken is None else taken, found))

    def show_live(self, *stream_ids: str, viewers: float = 10, started: float | None = None) -> None:
        """A snapshot in which these streams are published and watched."""
        since = time.time() - 60 if started is None else started
        on = [((one,), 1.0) for one in stream_ids]
        self.show(
            (queries.EXPORTERS_UP, {("rtmp",): 1.0}),
            (queries.STREAM_UP, dict(on)),
            (queries.STREAM_START, {key: since for key, _ in on}),
            (queries.STREAM_FIRST_START, {key: since for key, _ in on}),
            (queries.STREAM_INGEST_RATE, {key: 250_000.0 for key, _ in on}),
            (queries.STREAM_FRAME_RATE, {key: 25.0 for key, _ in on}),
            (queries.VIEWERS, {key: viewers for key, _ in on}),
            (queries.PEAK_VIEWERS, {key: viewers + 5 for key, _ in on}),
            (queries.PLAYS, {key: 40.0 for key, _ in on}),
        )

    def caller(self, subject: str = "", tenant: str = "acme", *roles: str) -> Caller:
        """Somebody with a token; nobody in particular without a subject."""
        token = mint(self.services.config, subject, tenant, roles, 3600, time.time()) if subject else ""
        return Caller(self.app.test_client(), {"Authorization": f"Bearer {token}"} if token else {})

    def internal(self) -> Caller:
        """One of our own processes."""
        return Caller(self.app.test_client(), {"X-Internal-Token": INTERNAL})


@dataclass
class Caller:
    """Makes requests with its headers."""

    client: FlaskClient
    headers: Mapping[str, str]

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None) -> TestResponse:
        return self.client.post(path, headers=self.headers, json=body)

    def patch(self, path: str, body: Any) -> TestResponse:
        return self.client.patch(path, headers=self.headers, json=body)

    def delete(self, path: str) -> TestResponse:
        return self.client.delete(path, headers=self.headers)


def world(
    database: Database | None,
    config: Config = CONFIG,
    settings: StreamsConfig | None = None,
    media_servers: Any = None,
    snapshots: SnapshotStore | None = None,
) -> World:
    """A bridge over this database, or without one."""
    snapshots = snapshots or SnapshotStore()
    telemetry = Telemetry()
    found = streams_assembly.build(settings or StreamsConfig(), config.default_tenant, database, snapshots)
    services = Services(
        config=config,
        snapshots=snapshots,
        auth=Authenticator(config, verifier(config)),
        access=Access(found.registry if database else None, config.default_tenant),
        limits=RateLimits(config),
        telemetry=telemetry,
        registry=found.registry,
        publishers=streams_assembly.publishers(
            settings or StreamsConfig(), lambda result: telemetry.commands.add(1, "publisher_cut", result)
        ),
        database=database,
        containers=media_servers,
        alerts=alerts_assembly.build(database),
    )
    areas = [streams_rest.routes(services), containers_rest.routes(services), alerts_rest.routes(services)]
    return World(services, create_app(services, areas), found.reflector)
