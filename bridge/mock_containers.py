"""Media servers that are only imagined: they launch at once, use a little, write a line, and stop when asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from bridge.containers.errors import AlreadyLaunchedError, UnknownContainerError
from bridge.containers.launcher import Launcher
from bridge.containers.media_servers import MediaServers
from bridge.containers.media_stat import MediaStat
from bridge.containers.model import Container, LaunchSpec, LogLine, Usage
from bridge.containers.prices import PriceTable, parse_sizes
from bridge.containers.settings import ContainersConfig
from bridge.snapshot import SnapshotStore

RTMP_PORT, HTTP_PORT = 1935, 8080
CPU_RATIO = 0.3
MEMORY_BYTES = 96 << 20
BYTES_A_SECOND = 600_000


class SimulatedDriver:
    """A ``Driver`` over a dictionary."""

    name = "simulation"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._containers: dict[str, Container] = {}

    def launch(self, spec: LaunchSpec) -> Container:
        if any(one.event_id == spec.event_id for one in self._containers.values()):
            raise AlreadyLaunchedError(f"event {spec.event_id!r} has a media server")
        made = Container(
            container_id=spec.container_id,
            event_id=spec.event_id,
            tenant_id=spec.tenant_id,
            size_name=spec.size.name,
            started=self._clock(),
            state="running",
            rtmp_port=RTMP_PORT,
            http_port=HTTP_PORT,
            exporter_port=0,
            handle="simulated",
        )
        self._containers[spec.container_id] = made
        return made

    def list(self) -> tuple[Container, ...]:
        return tuple(self._containers.values())

    def usage(self, container: Container) -> Usage:
        lived = self._clock() - self._known(container).started
        sent = round(lived * BYTES_A_SECOND)
        return Usage(time.monotonic(), lived * CPU_RATIO, MEMORY_BYTES, sent, sent)

    def logs(self, container: Container, lines: int) -> tuple[LogLine, ...]:
        started = datetime.fromtimestamp(self._known(container).started, UTC)
        return (LogLine(started.isoformat().replace("+00:00", "Z"), "a simulated media server started"),)[:lines]

    def stop(self, container: Container, grace_seconds: float) -> None:
        self._containers.pop(container.container_id, None)

    def _known(self, container: Container) -> Container:
        found = self._containers.get(container.container_id)
        if found is None:
            raise UnknownContainerError(f"no container {container.container_id!r}")
        return found


def read_simulated_stat(url: str) -> MediaStat:
    """What a simulated server says of itself."""
    return MediaStat(received_bytes=BYTES_A_SECOND, sent_bytes=BYTES_A_SECOND, connections=1)


def simulated_media_servers(config: ContainersConfig, snapshots: SnapshotStore) -> MediaServers:
    """Media servers for mock mode, at the prices of the settings."""
    prices = PriceTable(parse_sizes(config.sizes), config.egress_price)
    launcher = Launcher(SimulatedDriver(), prices, None, read_stat=read_simulated_stat)
    return MediaServers(launcher, snapshots, config.public_host, config.scrape_host)
