"""Launched media servers as values: what is asked for, what runs, and what it uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["starting", "running", "stopping", "stopped", "error"]
Health = Literal["healthy", "degraded", "unhealthy"]


@dataclass(frozen=True, slots=True)
class Size:
    """A row of the price table: limits and the price of an hour, for events of up to ``viewers`` viewers."""

    name: str
    viewers: int
    cpus: float
    memory_bytes: int
    hour_price: float


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """A media server to launch for an event; ``hook_url`` checks its publishers, empty for none."""

    container_id: str
    event_id: str
    tenant_id: str
    size: Size
    exporter_port: int = 0
    hook_url: str = ""
    recording: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """A media server as its driver knows it; ports are those on the outside and 0 while it does not run."""

    container_id: str
    event_id: str
    tenant_id: str
    size_name: str
    started: float
    """Unix seconds"""
    state: State
    rtmp_port: int
    http_port: int
    exporter_port: int
    handle: str
    """the driver's own name for it: Docker's id, or a process id"""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container has used since its start, and holds now; network bytes are None where only itself knows."""

    time: float
    """monotonic seconds at which this was measured"""
    cpu_seconds: float
    memory_bytes: int
    received_bytes: int | None = None
    sent_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that a media server wrote, and when (ISO 8601 UTC)."""

    timestamp: str
    message: str
