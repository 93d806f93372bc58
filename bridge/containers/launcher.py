"""Launches media servers for events, watches over them, and ends them."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from types import MappingProxyType

from bridge.containers.driver import Driver
from bridge.containers.errors import AlreadyLaunchedError, ContainerError, DriverUnavailableError, UnknownContainerError
from bridge.containers.exporters import HOOK_PATH, Exporters
from bridge.containers.media_stat import MediaStat, StatReader, read_media_stat
from bridge.containers.model import Container, LaunchSpec, LogLine, Size
from bridge.containers.ports import free_ports
from bridge.containers.prices import PriceTable
from bridge.containers.readings import Reading, cpu_ratio
from exporters.loop import Loop

log = logging.getLogger(__name__)
ENDED_LIMIT = 1000
READERS = 8


@dataclass(frozen=True, slots=True)
class LauncherOptions:
    """Addresses, limits and times of launched servers."""

    server_host: str = "127.0.0.1"
    hook_host: str = "127.0.0.1"
    listen_host: str = "127.0.0.1"
    limit: int = 50
    start_seconds: float = 15.0
    grace_seconds: float = 10.0
    poll_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A container that was stopped: how long it ran, and what it cost."""

    container: Container
    seconds: float
    sent_bytes: int
    cost: float


class LimitReachedError(ContainerError):
    """As many media servers run as may."""


class Launcher(Loop):
    """The media servers of this installation.

    A worker measures all of them each ``poll_seconds``; readers take the last readings without waiting. When it is
    stopped the media servers run on, and the next bridge finds them.
    """

    def __init__(
        self,
        driver: Driver,
        prices: PriceTable,
        exporters: Exporters | None = None,
        options: LauncherOptions | None = None,
        *,
        is_over: Callable[[str], bool] = lambda event_id: False,
        on_turn: Callable[[tuple[Container, ...]], None] = lambda containers: None,
        read_stat: StatReader = read_media_stat,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__("containers")
        self.driver = driver
        self.prices = prices
        self.readings: Mapping[str, Reading] = MappingProxyType({})
        self._exporters = exporters
        self._options = options or LauncherOptions()
        self._is_over = is_over
        self._on_turn = on_turn
        self._read_stat = read_stat
        self._clock = clock
        self._ended: OrderedDict[str, Ended] = OrderedDict()
        self._turning = threading.Lock()
        self._launching = threading.Lock()
        self._cleaned = False

    def take_turn(self) -> float:
        try:
            if not self._cleaned:
                self.clean_up()
                self._cleaned = True
            self.turn()
        except DriverUnavailableError as error:
            log.warning("containers: %s", error)
        return self._options.poll_seconds

    def launch(self, event_id: str, tenant_id: str, viewers: int, recording: bool) -> tuple[Container, Size]:
        """Start a media server for an event and wait until it answers.

        Raises AlreadyLaunchedError, LimitReachedError, DriverUnavailableError, or ContainerError when it fails.
        """
        with self._launching:  # one at a time, so that together they stay within the limit
            self._make_room(event_id)
            spec = self._spec(event_id, tenant_id, viewers, recording)
            container = self.driver.launch(spec)
        try:
            self._await_answer(container)
            if self._exporters is not None:
                self._exporters.ensure(container)
        except (ContainerError, OSError):
            self.driver.stop(container, 0)
            raise
        self.turn()
        return container, spec.size

    def end(self, container_id: str) -> Ended:
        """Stop a container, by force after the grace; raises UnknownContainerError."""
        if container_id in self._ended:
            return self._ended[container_id]
        container = self.container(container_id)
        reading = self._read(container)
        seconds = max(0.0, self._clock() - container.started)
        self.driver.stop(container, self._options.grace_seconds)
        if self._exporters is not None:
            self._exporters.stop(container_id)
        cost = self.prices.cost(container.size_name, seconds, reading.sent_bytes)
        ended = Ended(replace(container, state="stopped"), seconds, reading.sent_bytes, cost)
        self._ended[container_id] = ended
        while len(self._ended) > ENDED_LIMIT:
            self._ended.popitem(last=False)
        self.turn()
        return ended

    def container(self, container_id: str) -> Container:
        """A container that has not been stopped; raises UnknownContainerError."""
        for one in self.driver.list():
            if one.container_id == container_id:
                return one
        raise UnknownContainerError(f"no container {container_id!r}")

    def reading(self, container_id: str) -> Reading:
        """The last reading of a container, or a fresh one; raises UnknownContainerError."""
        if container_id in self._ended:
            return Reading(self._ended[container_id].container)
        known = self.readings.get(container_id)
        return self._read(self.container(container_id)) if known is None else known

    def ended(self, container_id: str) -> Ended | None:
        """A container that was stopped here, if it is one of the last."""
        return self._ended.get(container_id)

    def logs(self, container_id: str, lines: int) -> tuple[LogLine, ...]:
        """Its last log lines; raises UnknownContainerError."""
        return self.driver.logs(self.container(container_id), lines)

    def clean_up(self) -> None:
        """Remove what an earlier run has left: servers that ended or half started, or whose event is over."""
        for one in self.driver.list():
            young = one.state == "starting" and self._clock() - one.started < self._options.start_seconds
            if not young and (one.state != "running" or self._is_over(one.event_id)):
                log.info("removing container %s of event %s, left by an earlier run", one.container_id, one.event_id)
                self.driver.stop(one, self._options.grace_seconds)
        if self._exporters is not None:
            self._exporters.keep_only(frozenset(one.container_id for one in self.driver.list()))

    def turn(self) -> None:
        """Measure every container once, and see to their exporters.

        Raises DriverUnavailableError, after which nothing is claimed of any container.
        """
        with self._turning:
            try:
                containers = self.driver.list()
                for one in containers:
                    if self._exporters is not None and one.state == "running":
                        self._exporters.ensure(one)
                with ThreadPoolExecutor(READERS, thread_name_prefix="measure") as pool:
                    read = list(pool.map(self._read, containers))
            except DriverUnavailableError:
                self.readings = MappingProxyType({})
                raise
            self.readings = MappingProxyType({one.container.container_id: one for one in read})
            self._on_turn(containers)

    def _make_room(self, event_id: str) -> None:
        """Remove what a crashed server of the event has left; raises when one runs, or as many as may."""
        running = 0
        for one in self.driver.list():
            if one.state in ("starting", "running"):
                running += 1
                if one.event_id == event_id:
                    raise AlreadyLaunchedError(f"event {event_id!r} has the media server {one.container_id}")
            elif one.event_id == event_id:
                self.driver.stop(one, 0)
        if running >= self._options.limit:
            raise LimitReachedError(f"{running} media servers run, which is the limit")

    def _spec(self, event_id: str, tenant_id: str, viewers: int, recording: bool) -> LaunchSpec:
        port = free_ports(1, self._options.listen_host)[0] if self._exporters is not None else 0
        return LaunchSpec(
            container_id=f"ctr-{secrets.token_hex(6)}",
            event_id=event_id,
            tenant_id=tenant_id,
            size=self.prices.size_for(viewers),
            exporter_port=port,
            hook_url=f"http://{self._options.hook_host}:{port}{HOOK_PATH}" if port else "",
            recording=recording,
        )

    def _await_answer(self, container: Container) -> None:
        deadline = time.monotonic() + self._options.start_seconds
        while self._stat(container) is None:
            state = self.container(container.container_id).state
            if state not in ("starting", "running") or time.monotonic() > deadline:
                last = self.driver.logs(container, 1)
                said = f": {last[0].message}" if last else ""
                raise ContainerError(f"the media server of event {container.event_id!r} does not answer{said}")
            time.sleep(0.1)

    def _read(self, container: Container) -> Reading:
        if container.state != "running":
            return Reading(container)
        known = self.readings.get(container.container_id)
        exporter_runs = self._exporters is None or self._exporters.runs(container.container_id)
        try:
            usage = self.driver.usage(container)
        except DriverUnavailableError:
            raise
        except ContainerError:
            return Reading(container, None, self._stat(container), None, exporter_runs)
        ratio = cpu_ratio(known.usage if known else None, usage)
        return Reading(container, usage, self._stat(container), ratio, exporter_runs)

    def _stat(self, container: Container) -> MediaStat | None:
        try:
            return self._read_stat(f"http://{self._options.server_host}:{container.http_port}/stat")
        except ContainerError:
            return None
