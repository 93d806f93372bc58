"""What the areas of the bridge share: one value, built once at start and handed to every area's ``routes``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.auth import token_of
from bridge.config import Config
from bridge.identity import Identity
from bridge.problems import not_found, unavailable

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from bridge.access import Access
    from bridge.auth import Authenticator
    from bridge.limits import RateLimits
    from bridge.snapshot import SnapshotStore
    from bridge.telemetry import Telemetry


@dataclass(frozen=True)
class Services:
    """The parts of a running bridge; a part that is not configured is None."""

    config: Config
    snapshots: SnapshotStore
    auth: Authenticator
    access: Access
    limits: RateLimits
    telemetry: Telemetry
    hub: Any = None
    """bridge.live.Hub: the WebSocket rooms"""
    prometheus: Any = None
    """bridge.promapi.PrometheusApi"""
    timeline: Any = None
    """bridge.timeline.Timeline"""
    registry: Any = None
    """bridge.streams.registry.StreamRegistry"""
    publishers: Any = None
    """bridge.streams.publishers.Publishers"""
    database: Any = None
    """bridge.database.Database"""
    database_watch: Any = None
    """bridge.database_watch.DatabaseWatch"""
    history: Any = None
    """bridge.history's read object"""
    containers: Any = None
    alerts: Any = None
    clock: Callable[[], float] = time.time

    def admit(self, address: str, headers: Headers, query: Mapping[str, str], method: str) -> Identity:
        """The caller of a request, counted against its limits; raises a 401, 429 or 503 Problem."""
        self.limits.count_address(address)
        identity = self.auth.caller(headers, query, method)
        self.limits.count_caller(identity, None if identity.subject else token_of(headers, query, websocket=False))
        return identity

    def check_stream(self, identity: Identity, stream_id: str) -> None:
        """Raises a 403 Problem for another tenant's stream, 404 for an unknown one, 503 while nothing is known."""
        self.access.check(identity, stream_id)
        snapshot = self.snapshots.present
        if snapshot is not None and stream_id in snapshot.streams:
            return
        if self.registry is not None and self.registry.get(stream_id) is not None:
            return
        if snapshot is None:
            raise unavailable("no numbers yet: Prometheus has not answered", 2)
        raise not_found("stream", stream_id)

    def title_of(self, stream_id: str) -> str:
        """The stream's title, or its id where no registry knows one."""
        known = self.registry.get(stream_id) if self.registry is not None else None
        return stream_id if known is None else str(known.title)
