"""How a container fares: usage between two measurements, and whether it is healthy."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.containers.media_stat import MediaStat
from bridge.containers.model import Container, Health, Usage

CROWDED = 0.9


@dataclass(frozen=True, slots=True)
class Reading:
    """The last measurement of a container; None where nothing could be measured."""

    container: Container
    usage: Usage | None = None
    stat: MediaStat | None = None
    cpu_ratio: float | None = None
    """CPUs used, between this measurement and the one before"""
    exporter_runs: bool = True

    @property
    def received_bytes(self) -> int:
        """Bytes received since the start: all traffic, or what the media server took in over RTMP."""
        counted = self.usage.received_bytes if self.usage else None
        return counted if counted is not None else self.stat.received_bytes if self.stat else 0

    @property
    def sent_bytes(self) -> int:
        """Bytes sent since the start: all traffic, or what the media server sent over RTMP."""
        counted = self.usage.sent_bytes if self.usage else None
        return counted if counted is not None else self.stat.sent_bytes if self.stat else 0

    def health(self, cpus: float, memory_bytes: int) -> Health:
        """Unhealthy when the server does not answer; degraded near its limits, or without its exporter."""
        state = self.container.state
        if state not in ("starting", "running") or (state == "running" and self.stat is None):
            return "unhealthy"
        near_memory = memory_bytes > 0 and self.usage is not None and self.usage.memory_bytes > CROWDED * memory_bytes
        near_cpu = cpus > 0 and self.cpu_ratio is not None and self.cpu_ratio > CROWDED * cpus
        return "degraded" if near_memory or near_cpu or not self.exporter_runs else "healthy"


def cpu_ratio(before: Usage | None, now: Usage) -> float | None:
    """CPUs used between two measurements of one container; None without a first."""
    if before is None or now.time <= before.time or now.cpu_seconds < before.cpu_seconds:
        return None
    return (now.cpu_seconds - before.cpu_seconds) / (now.time - before.time)
