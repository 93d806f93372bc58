"""Puts a bridge together from its settings: every part made once, handed to whom it serves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask import Blueprint

from bridge import events, rest
from bridge.access import Access
from bridge.alerts import assembly as alerts_assembly
from bridge.alerts import rest as alerts_rest
from bridge.auth import Authenticator
from bridge.config import PREFIX, Config
from bridge.console import page as console
from bridge.containers import assembly as containers_assembly
from bridge.containers import rest as containers_rest
from bridge.containers.media_servers import MediaServers
from bridge.containers.settings import PREFIX as CONTAINERS_PREFIX
from bridge.containers.settings import ContainersConfig
from bridge.database import Database, check_url
from bridge.database_watch import DatabaseWatch
from bridge.history import rest as history_rest
from bridge.history.history import History
from bridge.history.migrating import Migrator
from bridge.limits import RateLimits
from bridge.live import Hub
from bridge.mock import Simulator
from bridge.mock_containers import simulated_media_servers
from bridge.mock_history import SimulatedHistory
from bridge.mock_streams import SimulatedStreamStore
from bridge.poller import Poller
from bridge.promapi import PrometheusApi
from bridge.services import Services
from bridge.snapshot import Snapshot, SnapshotStore
from bridge.streams import assembly as streams_assembly
from bridge.streams import rest as streams_rest
from bridge.streams.assembly import Streams
from bridge.streams.memory import StreamMemory
from bridge.streams.reflector import Reflector
from bridge.streams.registry import StreamRegistry
from bridge.streams.settings import PREFIX as STREAMS_PREFIX
from bridge.streams.settings import StreamsConfig
from bridge.telemetry import Telemetry
from bridge.timeline import Timeline, TimelineFiller
from bridge.tokens import verifier
from exporters import settings as settings_of
from exporters.checks import check_apart
from exporters.server import Worker

STALE_TICKS = 3
OVER = ("ended", "cancelled")


@dataclass(frozen=True)
class Settings:
    """The settings of a bridge and of its areas."""

    bridge: Config = field(default_factory=Config)
    streams: StreamsConfig = field(default_factory=StreamsConfig)
    containers: ContainersConfig = field(default_factory=ContainersConfig)


@dataclass(frozen=True)
class Parts:
    """A bridge that is ready to start: its shared services, its areas, its background workers in starting order."""

    services: Services
    areas: Sequence[Blueprint]
    pages: Sequence[Blueprint]
    workers: Sequence[Worker]


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings of this environment; raises ConfigError that names the variable."""
    bridge = settings_of.read(Config, PREFIX, environ)
    check_url(bridge.database_url)
    if bridge.metrics_listen:
        check_apart(("BRIDGE_LISTEN", bridge.listen), ("BRIDGE_METRICS_LISTEN", bridge.metrics_listen))
    return Settings(
        bridge,
        settings_of.read(StreamsConfig, STREAMS_PREFIX, environ),
        settings_of.read(ContainersConfig, CONTAINERS_PREFIX, environ),
    )


def tick_seconds(config: Config) -> float:
    """The poller's period: as set, shortened so that a whole number of ticks makes a broadcast."""
    return config.broadcast_seconds / math.ceil(config.broadcast_seconds / config.tick_seconds)


def assemble(settings: Settings) -> Parts:
    """All parts of a bridge; raises ConfigError where settings contradict each other."""
    config = settings.bridge
    tick = tick_seconds(config)
    telemetry = Telemetry()
    snapshots = SnapshotStore(max(STALE_TICKS * tick, 3.0), config.stale_limit_seconds, mock=config.mock)
    telemetry.watch(snapshots)
    ground = _simulated(settings, snapshots) if config.mock else _real(settings, snapshots, telemetry)
    services = Services(
        config=config,
        snapshots=snapshots,
        auth=Authenticator(config, verifier(config), lambda reason: telemetry.auth_failures.add(1, reason)),
        access=Access(ground.streams.registry, config.default_tenant),
        limits=RateLimits(config, lambda scope: telemetry.rate_limited.add(1, scope)),
        telemetry=telemetry,
        hub=Hub(replace(config, tick_seconds=tick), telemetry, lambda: snapshots.present),
        prometheus=ground.source,
        timeline=Timeline(config.timeline_step_seconds, config.timeline_points),
        registry=ground.streams.registry,
        publishers=streams_assembly.publishers(
            settings.streams, lambda result: telemetry.commands.add(1, "publisher_cut", result)
        ),
        database=ground.database,
        database_watch=ground.watch,
        history=ground.history,
        containers=ground.media_servers,
        alerts=alerts_assembly.build(ground.database),
    )
    if ground.streams.reflector is not None:
        telemetry.add(ground.streams.reflector.ended)
    return Parts(services, areas(services), (console.pages(),), _workers(ground, services, tick))


def areas(services: Services) -> tuple[Blueprint, ...]:
    """The blueprints that are mounted three times."""
    factories = (rest, events, streams_rest, containers_rest, alerts_rest, history_rest, console)
    return tuple(factory.routes(services) for factory in factories)


@dataclass(frozen=True)
class _Ground:
    """What a bridge stands on: Prometheus, the database and media servers, or the simulation of them."""

    source: PrometheusApi | Simulator
    streams: Streams
    history: History | SimulatedHistory | None = None
    media_servers: MediaServers | None = None
    database: Database | None = None
    watch: DatabaseWatch | None = None
    migrator: Migrator | None = None


def _simulated(settings: Settings, snapshots: SnapshotStore) -> _Ground:
    config = settings.bridge
    memory = StreamMemory(settings.streams.cache_limit)
    store = SimulatedStreamStore(config.default_tenant)
    streams = Streams(
        StreamRegistry(store, snapshots, config.default_tenant, memory), Reflector(store, memory, snapshots)
    )
    media_servers = simulated_media_servers(settings.containers, snapshots)
    return _Ground(Simulator(config.mock_seed), streams, SimulatedHistory(config.mock_seed), media_servers)


def _real(settings: Settings, snapshots: SnapshotStore, telemetry: Telemetry) -> _Ground:
    config = settings.bridge
    source = PrometheusApi(config.prometheus_url, config.query_timeout_seconds, telemetry.asked)
    database = Database(config.database_url) if config.database_url else None
    streams = streams_assembly.build(settings.streams, config.default_tenant, database, snapshots)
    media_servers = _media_servers(settings, snapshots, streams.registry, telemetry)
    if database is None:
        return _Ground(source, streams, None, media_servers)
    telemetry.follow(database.collect)
    watch = DatabaseWatch(database, lambda up: telemetry.upstream_up.set(int(up), "database"))
    migrator = Migrator(config.database_url, config.timescale)
    return _Ground(source, streams, History(database), media_servers, database, watch, migrator)


def _workers(ground: _Ground, services: Services, tick: float) -> tuple[Worker, ...]:
    """The background parts in starting order; the hub is last, so that it stops first."""
    launcher = ground.media_servers.launcher if ground.media_servers else None
    poller = _poller(services, tick)
    chosen = (ground.migrator, ground.watch, poller, ground.streams.reflector, launcher, services.hub)
    return tuple(one for one in chosen if one is not None)


def _poller(services: Services, tick: float) -> Poller:
    source = services.prometheus

    def freshen(snapshot: Snapshot) -> None:
        services.hub.freshen()

    listeners = (TimelineFiller(services.timeline, source), freshen)
    return Poller(source, services.snapshots, tick, listeners, services.telemetry.turned)


def _media_servers(
    settings: Settings, snapshots: SnapshotStore, registry: StreamRegistry, telemetry: Telemetry
) -> MediaServers | None:
    table = containers_assembly.containers_table()
    telemetry.add(table)

    def is_over(event_id: str) -> bool:
        record = registry.get(event_id)
        return record is not None and record.status in OVER

    keys_url = f"http://{settings.bridge.listen}/internal/publish"
    token = settings.bridge.internal_token
    return containers_assembly.build(settings.containers, snapshots, is_over, keys_url, token, table)
