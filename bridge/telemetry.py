"""The bridge's own metrics: tables that its parts write and its /metrics page renders."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from exporters import metrics
from exporters.exposition import Histograms, Samples, Table

if TYPE_CHECKING:
    from bridge.promapi import Asked
    from bridge.snapshot import SnapshotStore


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""The methods of RFC 9110 §9 and RFC 5789; a peer can invent any number of others."""
CLOSE_CODES = frozenset({*range(1000, 1004), *range(1005, 1016), 4400, 4401, 4403, 4404, 4429})
"""The codes of RFC 6455's registry and the contract's own; a peer may close with any of 2000 others."""
OTHER = "other"


class Telemetry:
    """Counts what the bridge does; a collector of the metrics page.

    ``livestream_bridge_http_requests_total{route="/api/streams",method="GET",code_class="2xx"} 41``
    """

    name = "bridge"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._snapshots: SnapshotStore | None = None
        self._extra: list[Table] = []
        self._others: list[Callable[[], Iterable[Table]]] = []
        self.requests = Samples(metrics.BRIDGE_HTTP_REQUESTS)
        self.request_duration = Histograms(metrics.BRIDGE_HTTP_DURATION)
        self.in_flight = Samples(metrics.BRIDGE_HTTP_IN_FLIGHT)
        self.promql_queries = Samples(metrics.BRIDGE_PROMQL_QUERIES)
        self.promql_duration = Histograms(metrics.BRIDGE_PROMQL_DURATION)
        self.cache = Samples(metrics.BRIDGE_CACHE)
        self.upstream_up = Samples(metrics.BRIDGE_UPSTREAM_UP)
        self.snapshot_time = Samples(metrics.BRIDGE_SNAPSHOT_TIME)
        self.snapshot_duration = Samples(metrics.BRIDGE_SNAPSHOT_DURATION)
        self.data_age = Samples(metrics.BRIDGE_DATA_AGE)
        self.ws_connections = Samples(metrics.BRIDGE_WS_CONNECTIONS)
        self.ws_opened = Samples(metrics.BRIDGE_WS_OPENED)
        self.ws_closed = Samples(metrics.BRIDGE_WS_CLOSED)
        self.ws_messages = Samples(metrics.BRIDGE_WS_MESSAGES)
        self.ws_bytes = Samples(metrics.BRIDGE_WS_BYTES)
        self.ws_dropped = Samples(metrics.BRIDGE_WS_DROPPED)
        self.ws_fanout = Histograms(metrics.BRIDGE_WS_FANOUT)
        self.ws_queue = Samples(metrics.BRIDGE_WS_QUEUE)
        self.auth_failures = Samples(metrics.BRIDGE_AUTH_FAILURES)
        self.rate_limited = Samples(metrics.BRIDGE_RATE_LIMITED)
        self.commands = Samples(metrics.BRIDGE_COMMANDS)
        for gauge in (self.in_flight, self.ws_connections, self.ws_queue):
            gauge.set(0)

    def watch(self, snapshots: SnapshotStore) -> None:
        """Export the age of this store's snapshot."""
        self._snapshots = snapshots

    def add(self, *tables: Table) -> None:
        """Export further tables, of other parts of the bridge."""
        self._extra.extend(tables)

    def follow(self, collect: Callable[[], Iterable[Table]]) -> None:
        """Export what another part gives when it is asked, such as the database's pool."""
        self._others.append(collect)

    def asked(self, asked: Asked) -> None:
        """Count one query to Prometheus."""
        self.promql_queries.add(1, asked.query, asked.result)
        self.promql_duration.observe(asked.seconds, asked.query)

    def turned(self, reached: bool, seconds: float) -> None:
        """Record one turn of the poller."""
        self.upstream_up.set(int(reached), "prometheus")
        if reached:
            self.snapshot_duration.set(round(seconds, 6))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one HTTP request by its route template."""
        self.requests.add(1, route, method if method in METHODS else OTHER, f"{status // 100}xx")
        self.request_duration.observe(seconds, route)

    def closed(self, code: int) -> None:
        """Count one WebSocket that has closed, by its code."""
        self.ws_closed.add(1, str(code) if code in CLOSE_CODES else OTHER)

    def collect(self) -> Iterable[Table]:
        snapshot = self._snapshots.present if self._snapshots else None
        if snapshot is not None:
            self.snapshot_time.set(round(snapshot.taken, 3))
            self.data_age.set(round(max(0.0, self._clock() - snapshot.taken), 3), "prometheus")
        ours = [one for one in vars(self).values() if isinstance(one, Samples | Histograms)]
        return [*ours, *self._extra, *(table for collect in self._others for table in collect())]
