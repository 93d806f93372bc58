"""What the areas of the bridge share: one value, built once at start and handed to every area's ``routes``."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.config import Config


@dataclass(frozen=True)
class Services:
    """The parts of a running bridge; a part that is not configured is None."""

    config: Config
    snapshots: Any
    """bridge.snapshot.SnapshotStore: ``latest()`` gives the present Snapshot or raises a 503 Problem"""
    auth: Any
    """bridge.auth.Authenticator"""
    telemetry: Any
    """bridge.telemetry.Telemetry"""
    hub: Any = None
    """bridge.live.Hub: the WebSocket rooms"""
    prometheus: Any = None
    """bridge.promapi.PrometheusApi"""
    timeline: Any = None
    """bridge.timeline.Timeline"""
    registry: Any = None
    """bridge.streams.registry.StreamRegistry"""
    database: Any = None
    """bridge.database.Database"""
    history: Any = None
    """bridge.history's read object"""
    containers: Any = None
    alerts: Any = None
    clock: Callable[[], float] = time.time
