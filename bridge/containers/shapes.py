"""The wire shapes of containers: status, launch answer, end, and socket messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge import contract
from bridge.containers.launcher import Ended, Launcher
from bridge.containers.model import Container, Size
from bridge.containers.prices import money
from bridge.containers.readings import Reading
from bridge.numbers import count, kilobits, live_latency, seconds
from bridge.snapshot import StreamState
from bridge.streams.media import streaming_viewers
from prometheus import queries

SI = ("B", "kB", "MB", "GB", "TB")


def container_status(reading: Reading, launcher: Launcher, now: float) -> contract.ContainerStatus:
    """What is known of a container now; numbers are texts with their units."""
    container = reading.container
    prices, usage, stat = launcher.prices, reading.usage, reading.stat
    cpus, memory = prices.cpus(container.size_name), prices.memory_bytes(container.size_name)
    running = container.state == "running"
    return {
        "container_id": container.container_id,
        "status": container.state,
        "health": reading.health(cpus, memory),
        "uptime": clock_text(now - container.started if running else 0),
        "metrics": {
            "cpu_usage": f"{100 * (reading.cpu_ratio or 0):.1f}%",
            "memory_usage": f"{data_size(usage.memory_bytes if usage else 0)} of {data_size(memory)}",
            "network_in": data_size(reading.received_bytes),
            "network_out": data_size(reading.sent_bytes),
            "active_connections": str(stat.connections if stat else 0),
        },
    }


def launch_response(
    container: Container, size: Size, public_host: str, notes: Sequence[str]
) -> contract.LaunchResponse:
    """Where a launched server is published to and played from, and what an hour of it costs."""
    hls = f"http://{public_host}:{container.http_port}/hls"
    return {
        "container_id": container.container_id,
        "status": container.state,
        "resources": {
            "cpu": f"{size.cpus:g}",
            "memory": data_size(size.memory_bytes),
            "instance_type": size.name,
        },
        "rtmp_endpoints": [
            {
                "type": "primary",
                "url": f"rtmp://{public_host}:{container.rtmp_port}/live",
                "latency": "low",
                "description": "Publish here with the stream's key",
            }
        ],
        "hls_endpoints": [
            {
                "type": "single",
                "url": f"{hls}/{container.event_id}/index.m3u8",
                "cdn_enabled": False,
                "description": "The stream as it is published",
            },
            {
                "type": "multivariant",
                "url": f"{hls}/{container.event_id}.m3u8",
                "cdn_enabled": False,
                "description": "All renditions, when they are published as <key>_720p and so on",
            },
        ],
        "estimated_cost": money(size.hour_price),
        "message": " ".join([f"The media server runs; an hour costs {money(size.hour_price)}.", *notes]),
    }


def container_stopped(ended: Ended) -> contract.ContainerStopped:
    """How long a server ran, and what that has cost."""
    return {
        "container_id": ended.container.container_id,
        "status": ended.container.state,
        "duration": clock_text(ended.seconds),
        "estimated_cost": money(ended.cost),
        "message": f"The media server of {ended.container.event_id} was stopped after {clock_text(ended.seconds)}.",
    }


def container_messages(reading: Reading, launcher: Launcher, state: StreamState) -> list[dict[str, Any]]:
    """What the container socket sends: how the stream arrives, who watches it, and how both fare."""
    container = reading.container
    size = container.size_name
    health = reading.health(launcher.prices.cpus(size), launcher.prices.memory_bytes(size))
    height = state.value(queries.STREAM_HEIGHT)
    latency = live_latency(state)
    payloads: dict[str, Any] = {
        "container_status": {
            "type": "metrics",
            "data": {
                "bitrate": kilobits(state.value(queries.STREAM_INGEST_RATE)),
                "fps": seconds(state.value(queries.STREAM_FRAME_RATE)),
                "resolution": f"{height:.0f}p" if height else "",
                "latency": seconds(latency),
                "dropped_frames": count(state.value(queries.STREAM_DROPPED_FRAMES)),
                "status": container.state,
            },
        },
        "viewer_count": streaming_viewers(state),
        "stream_health": {"status": "live" if state.publishing else "offline", "health": health},
    }
    return [
        {"type": kind, "container_id": container.container_id, "payload": payload} for kind, payload in payloads.items()
    ]


def clock_text(elapsed_seconds: float) -> str:
    """``HH:MM:SS``; hours go on beyond 99."""
    whole = max(0, int(elapsed_seconds))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def data_size(size_bytes: float) -> str:
    """A number of bytes in decimal units: ``1.5 MB``."""
    position = 0
    while size_bytes >= 1000 and position < len(SI) - 1:
        size_bytes /= 1000
        position += 1
    return f"{size_bytes:.0f} {SI[0]}" if position == 0 else f"{size_bytes:.1f} {SI[position]}"
