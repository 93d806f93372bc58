"""Media servers as Docker containers, by the Docker SDK."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from bridge.containers.driver import OWNER_LABEL
from bridge.containers.errors import (
    AlreadyLaunchedError,
    ContainerError,
    DriverUnavailableError,
    UnknownContainerError,
)
from bridge.containers.media_config import MediaPorts, media_config
from bridge.containers.model import Container, LaunchSpec, LogLine, State, Usage

ID_LABEL = "live.bigfoot.container"
EVENT_LABEL = "live.bigfoot.event"
TENANT_LABEL = "live.bigfoot.tenant"
SIZE_LABEL = "live.bigfoot.size"
EXPORTER_LABEL = "live.bigfoot.exporter_port"
INSIDE = MediaPorts(rtmp=1935, http=8080, packager=1936)
FOLDER = "/run/media"
RECORDINGS = "/recordings"
# The configuration travels in the environment, so that any image with nginx, its RTMP module and a shell will do.
COMMAND = ["sh", "-c", f'printf %s "$MEDIA_CONFIG" >{FOLDER}/nginx.conf && exec nginx -e stderr -c {FOLDER}/nginx.conf']
MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
NEVER = "0001-01-01T00:00:00Z"
STATES: dict[str, State] = {
    "created": "starting",
    "restarting": "starting",
    "running": "running",
    "paused": "running",
    "removing": "stopping",
    "exited": "stopped",
    "dead": "error",
}


@dataclass(frozen=True, slots=True)
class DockerOptions:
    """How containers are made: image, network, user, and the address that their ports are published on."""

    image: str
    owner: str
    address: str = "127.0.0.1"
    network: str = ""
    user: str = "65534:65534"
    recordings: str = ""


class DockerEngine:
    """The Docker Engine driver; it sees nothing but containers with its owner's label."""

    name = "docker"

    def __init__(self, url: str, options: DockerOptions, timeout_seconds: float = 20.0) -> None:
        self._url = url
        self._options = options
        self._timeout_seconds = timeout_seconds
        self._connected: Any = None

    def launch(self, spec: LaunchSpec) -> Container:
        with self._engine() as client:
            try:
                made = client.containers.create(self._options.image, COMMAND, **self._creation(spec))
            except ImageNotFound as error:
                raise ContainerError(f"Docker has no image {self._options.image!r}") from error
            except APIError as error:
                if error.status_code == 409:
                    raise AlreadyLaunchedError(f"event {spec.event_id!r} has a container") from error
                raise
            try:
                made.start()
                made.reload()
            except DockerException:
                made.remove(force=True)
                raise
            return _read(made)

    def list(self) -> tuple[Container, ...]:
        with self._engine() as client:
            found = client.containers.list(
                all=True, filters={"label": f"{OWNER_LABEL}={self._options.owner}"}, ignore_removed=True
            )
            return tuple(_read(one) for one in found)

    def usage(self, container: Container) -> Usage:
        with self._owned(container) as found:
            stats = found.client.api.stats(found.id, stream=False, one_shot=True)
            return _usage(stats, time.monotonic())

    def logs(self, container: Container, lines: int) -> tuple[LogLine, ...]:
        with self._owned(container) as found:
            text = found.logs(timestamps=True, tail=lines).decode(errors="replace")
            return tuple(_log_line(line) for line in text.splitlines())

    def stop(self, container: Container, grace_seconds: float) -> None:
        try:
            with self._owned(container) as found:
                if found.status == "paused":
                    found.unpause()
                found.stop(timeout=round(grace_seconds))
                found.remove(force=True)
        except UnknownContainerError:
            return

    def close(self) -> None:
        """Close the connections to the engine; the next call makes new ones."""
        connected, self._connected = self._connected, None
        if connected is not None:
            connected.close()

    def _creation(self, spec: LaunchSpec) -> dict[str, Any]:
        """What the engine is told: limits, no rights, files in memory, and free ports of its choice."""
        options = self._options
        recordings = options.recordings if spec.recording else ""
        config = media_config(
            INSIDE, FOLDER, "0.0.0.0", MODULE, spec.hook_url, recordings=RECORDINGS if recordings else ""
        )
        return {
            "name": f"{options.owner}-{spec.event_id}",
            "labels": {
                OWNER_LABEL: options.owner,
                ID_LABEL: spec.container_id,
                EVENT_LABEL: spec.event_id,
                TENANT_LABEL: spec.tenant_id,
                SIZE_LABEL: spec.size.name,
                EXPORTER_LABEL: str(spec.exporter_port),
            },
            "environment": {"MEDIA_CONFIG": config, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/bin"},
            "entrypoint": [],
            "ports": {f"{port}/tcp": (options.address, None) for port in (INSIDE.rtmp, INSIDE.http)},
            "network": options.network or None,
            "extra_hosts": {"host.docker.internal": "host-gateway"},
            "nano_cpus": round(spec.size.cpus * 1e9),
            "mem_limit": spec.size.memory_bytes,
            "memswap_limit": spec.size.memory_bytes,
            "pids_limit": 128,
            "user": options.user,
            "read_only": True,
            "tmpfs": {FOLDER: f"mode=1777,size={spec.size.memory_bytes // 2}"},
            "volumes": {recordings: {"bind": RECORDINGS, "mode": "rw"}} if recordings else {},
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "stop_signal": "SIGTERM",
            "restart_policy": {"Name": "on-failure", "MaximumRetryCount": 3},
            "log_config": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
        }

    @contextmanager
    def _owned(self, container: Container) -> Iterator[Any]:
        """The engine's container, if it bears our labels; else UnknownContainerError."""
        with self._engine() as client:
            try:
                found = client.containers.get(container.handle)
                labels = found.labels
                if (labels.get(OWNER_LABEL), labels.get(ID_LABEL)) != (self._options.owner, container.container_id):
                    raise UnknownContainerError(f"container {container.container_id!r} is not ours")
                yield found
            except NotFound as error:
                raise UnknownContainerError(f"container {container.container_id!r} is gone") from error

    @contextmanager
    def _engine(self) -> Iterator[Any]:
        """The connected SDK client; its failures become ours."""
        try:
            if self._connected is None:
                self._connected = docker.DockerClient(base_url=self._url, timeout=self._timeout_seconds)
            yield self._connected
        except NotFound:
            raise
        except APIError as error:
            raise ContainerError(f"Docker: {error.explanation or error}") from error
        except (DockerException, requests.RequestException) as error:
            self.close()
            raise DriverUnavailableError(f"Docker does not answer at {self._url}: {error}") from error


def _read(found: Any) -> Container:
    labels, state = found.labels, found.attrs.get("State", {})
    started = state.get("StartedAt", NEVER) if isinstance(state, dict) else NEVER
    return Container(
        container_id=labels.get(ID_LABEL, ""),
        event_id=labels.get(EVENT_LABEL, ""),
        tenant_id=labels.get(TENANT_LABEL, ""),
        size_name=labels.get(SIZE_LABEL, ""),
        started=_instant(found.attrs["Created"] if started.startswith(NEVER) else started),
        state=STATES.get(found.status, "error"),
        rtmp_port=_published(found, INSIDE.rtmp),
        http_port=_published(found, INSIDE.http),
        exporter_port=int(labels.get(EXPORTER_LABEL) or 0),
        handle=found.id,
    )


def _published(found: Any, port: int) -> int:
    bound = found.ports.get(f"{port}/tcp") or []
    return int(bound[0]["HostPort"]) if bound else 0


def _instant(text: str) -> float:
    """Unix seconds of Docker's RFC 3339 time, which has nanoseconds and is in UTC."""
    return datetime.fromisoformat(text.split(".")[0].removesuffix("Z") + "+00:00").timestamp()


def _log_line(line: str) -> LogLine:
    timestamp, _, message = line.partition(" ")
    return LogLine(timestamp[:23].removesuffix("Z") + "Z", message)


def _usage(stats: dict[str, Any], now: float) -> Usage:
    memory = stats.get("memory_stats", {})
    detail = memory.get("stats", {})
    # What the kernel could drop at once is not use (cgroup v1 and v2 name it differently), as `docker stats` shows it.
    cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    networks = stats.get("networks")
    return Usage(
        time=now,
        cpu_seconds=stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9,
        memory_bytes=max(0, memory.get("usage", 0) - cache),
        received_bytes=_sum(networks, "rx_bytes"),
        sent_bytes=_sum(networks, "tx_bytes"),
    )


def _sum(networks: dict[str, dict[str, int]] | None, name: str) -> int | None:
    return None if networks is None else sum(one[name] for one in networks.values())
