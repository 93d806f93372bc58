"""Puts the media servers together from their settings."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from bridge.containers.docker_engine import DockerEngine, DockerOptions
from bridge.containers.driver import Driver
from bridge.containers.exporters import ExporterOptions, Exporters
from bridge.containers.launcher import Launcher, LauncherOptions
from bridge.containers.media_servers import MediaServers
from bridge.containers.model import Container
from bridge.containers.prices import PriceTable, parse_sizes
from bridge.containers.processes import LocalProcesses, ProcessOptions
from bridge.containers.settings import ContainersConfig
from bridge.containers.targets import TargetsFile, target_groups
from bridge.snapshot import SnapshotStore
from exporters import metrics
from exporters.exposition import Samples

log = logging.getLogger(__name__)
STATES = ("starting", "running", "stopping", "stopped", "error")


def build(
    config: ContainersConfig,
    snapshots: SnapshotStore,
    is_over: Callable[[str], bool],
    keys_url: str,
    keys_token: str,
    table: Samples,
) -> MediaServers | None:
    """The media servers of these settings, None without a driver; raises ConfigError.

    ``is_over`` says whether an event has ended; ``table`` is of the family ``livestream_bridge_containers``.
    """
    if config.driver == "none":
        return None
    prices = PriceTable(parse_sizes(config.sizes), config.egress_price)
    options = LauncherOptions(
        server_host=_reachable(config.address),
        hook_host=config.hook_host,
        listen_host=config.exporter_address,
        limit=config.limit,
        start_seconds=config.start_seconds,
        grace_seconds=config.grace_seconds,
        poll_seconds=config.poll_seconds,
    )
    launcher = Launcher(
        _driver(config),
        prices,
        _exporters(config, keys_url, keys_token) if config.exporter else None,
        options,
        is_over=is_over,
        on_turn=_Publisher(config, table),
    )
    return MediaServers(launcher, snapshots, config.public_host, config.scrape_host, bool(config.recordings))


def containers_table() -> Samples:
    """The table of containers by state."""
    return Samples(metrics.BRIDGE_CONTAINERS)


class _Publisher:
    """After each turn: the targets file, and the number of containers by state."""

    def __init__(self, config: ContainersConfig, table: Samples) -> None:
        self._file = TargetsFile(Path(config.targets_file)) if config.targets_file else None
        self._scrape_host = config.scrape_host
        self._table = table

    def __call__(self, containers: tuple[Container, ...]) -> None:
        for state in STATES:
            self._table.set(sum(one.state == state for one in containers), state)
        if self._file is not None:
            try:
                self._file.write(target_groups(containers, self._scrape_host))
            except OSError as error:
                log.error("cannot write the targets of media servers: %s", error)


def _driver(config: ContainersConfig) -> Driver:
    if config.driver == "docker":
        docker = DockerOptions(
            image=config.docker_image,
            owner=config.owner,
            address=config.address,
            network=config.docker_network,
            user=config.docker_user,
            recordings=config.recordings,
        )
        return DockerEngine(config.docker_url, docker)
    module = "" if config.rtmp_module == Path(".") else str(config.rtmp_module)
    local = ProcessOptions(
        owner=config.owner,
        folder=config.folder,
        nginx=config.nginx,
        module=module,
        address=config.address,
        recordings=config.recordings,
    )
    return LocalProcesses(local)


def _exporters(config: ContainersConfig, keys_url: str, keys_token: str) -> Exporters:
    options = ExporterOptions(
        folder=config.folder / "exporters",
        listen_host=config.exporter_address,
        server_host=_reachable(config.address),
        keys_url=config.keys_url or keys_url,
        keys_token=keys_token,
    )
    return Exporters(options)


def _reachable(address: str) -> str:
    """Where this process reaches what listens on ``address``."""
    return "127.0.0.1" if address in ("0.0.0.0", "::") else address
