"""Puts a bridge together from its settings: every part made once, handed to whom it serves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint

from bridge.access import Access
from bridge.auth import Authenticator
from bridge.config import Config
from bridge.limits import RateLimits
from bridge.live import Hub
from bridge.poller import Poller
from bridge.promapi import PrometheusApi
from bridge.services import Services
from bridge.snapshot import Snapshot, SnapshotStore
from bridge.telemetry import Telemetry
from bridge.timeline import Timeline, TimelineFiller
from bridge.tokens import verifier
from exporters.server import Worker

STALE_TICKS = 3


@dataclass(frozen=True)
class Parts:
    """A bridge that is ready to start."""

    services: Services
    areas: Sequence[Blueprint]
    workers: Sequence[Worker]


def tick_seconds(config: Config) -> float:
    """The poller's period: as set, shortened so that a whole number of ticks makes a broadcast."""
    return config.broadcast_seconds / math.ceil(config.broadcast_seconds / config.tick_seconds)


def assemble(config: Config) -> Parts:
    """All parts of a bridge; raises ConfigError where settings contradict each other."""
    telemetry = Telemetry()
    tick = tick_seconds(config)
    source = PrometheusApi(config.prometheus_url, config.query_timeout_seconds, telemetry.asked)
    snapshots = SnapshotStore(max(STALE_TICKS * tick, 3.0), config.stale_limit_seconds, mock=config.mock)
    telemetry.watch(snapshots)
    timeline = Timeline(config.timeline_step_seconds, config.timeline_points)
    hub = Hub(replace(config, tick_seconds=tick), telemetry, lambda: snapshots.present)
    services = Services(
        config=config,
        snapshots=snapshots,
        auth=Authenticator(config, verifier(config), lambda reason: telemetry.auth_failures.add(1, reason)),
        access=Access(None, config.default_tenant),
        limits=RateLimits(config, lambda scope: telemetry.rate_limited.add(1, scope)),
        telemetry=telemetry,
        hub=hub,
        prometheus=source,
        timeline=timeline,
    )

    def freshen(snapshot: Snapshot) -> None:
        hub.freshen()

    poller = Poller(source, snapshots, tick, (TimelineFiller(timeline, source), freshen), telemetry.turned)
    return Parts(services, (), (poller, hub))
