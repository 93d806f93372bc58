"""The programs of a local run: command, environment and start order of each."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.config import HOST, LocalConfig

ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""glibc gives threads heaps of their own otherwise, and each grows to its thread's largest moment. Ours take turns"""
POSTGRES_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@dataclass(frozen=True, slots=True)
class Program:
    """A supervised program; ``order`` is the start order, ``as_postgres`` drops root to the postgres user.

    ``ready`` is an address that answers once the program is; empty where nothing tells.
    """

    name: str
    command: tuple[str, ...]
    order: int
    environ: Mapping[str, str] = field(default_factory=dict)
    as_postgres: bool = False
    stop_signal: str = "TERM"
    ready: str = ""


def programs(config: LocalConfig) -> tuple[Program, ...]:
    """All programs of this run."""
    chosen = [*_servers(config), *_exporters(config), *_bridge(config)]
    if config.publish:
        chosen.append(_local(config, "publisher", "publish", 40))
    if config.viewers:
        chosen.append(_local(config, "audience", "audience", 50))
    return tuple(chosen)


def postgres_binary(name: str) -> str:
    """Path of a PostgreSQL program; Debian keeps them out of PATH."""
    return str(POSTGRES_BINARIES[0] / name) if POSTGRES_BINARIES else shutil.which(name) or name


def _servers(config: LocalConfig) -> list[Program]:
    var = config.var
    database: tuple[str, ...] = (postgres_binary("postgres"), "-D", f"{var}/postgres/data")
    database += (
        "-p",
        str(config.database_port),
        "-c",
        f"unix_socket_directories={var}/postgres",
        "-c",
        f"listen_addresses={HOST}",
    )
    nginx = ("nginx", "-c", f"{var}/nginx.conf", "-e", f"{var}/log/nginx.log")
    prometheus = (
        "prometheus",
        f"--config.file={var}/prometheus/prometheus.yml",
        f"--storage.tsdb.path={var}/prometheus/data",
        f"--web.listen-address={HOST}:{config.prometheus_port}",
        "--storage.tsdb.retention.time=15d",
        "--web.enable-lifecycle",
    )
    alertmanager = (
        "prometheus-alertmanager",
        f"--config.file={var}/alertmanager/alertmanager.yml",
        f"--storage.path={var}/alertmanager/data",
        f"--web.listen-address={HOST}:{config.alertmanager_port}",
        "--cluster.listen-address=",
    )
    return [
        Program("postgres", database, 10, as_postgres=True, stop_signal="INT"),
        Program("nginx", nginx, 10, ready=config.url(config.origin_port, "/stat")),
        Program("prometheus", prometheus, 20, ready=config.url(config.prometheus_port, "/-/ready")),
        Program("alertmanager", alertmanager, 20, ready=config.url(config.alertmanager_port, "/-/ready")),
    ]


def _exporters(config: LocalConfig) -> list[Program]:
    var = config.var
    streams = config.url(config.rtmp_metrics_port, "/streams")
    endpoints = (("origin", config.origin_port), ("edge", config.edge_port))
    environ = {
        "rtmp": {
            "RTMP_LISTEN": f"{HOST}:{config.rtmp_metrics_port}",
            "RTMP_TARGETS": media_target(config),
            "RTMP_IGNORE_APPS": "hls",
            "RTMP_KEYS_URL": config.url(config.bridge_port, "/internal/publish"),
            "RTMP_KEYS_TOKEN_FILE": f"{var}/secrets/internal-token",
        },
        "hls": {
            "HLS_LISTEN": f"{HOST}:{config.hls_metrics_port}",
            "HLS_STREAMS_URLS": streams,
            "HLS_ENDPOINTS": ",".join(f"{name}={config.url(port)}/hls/{{stream}}.m3u8" for name, port in endpoints),
        },
        "cdn": {
            "CDN_LISTEN": f"{HOST}:{config.cdn_metrics_port}",
            "CDN_PUSH_LISTEN": f"{HOST}:{config.logs_port}",
            "CDN_PUSH_TOKEN_FILE": f"{var}/secrets/push-token",
            "CDN_FILES": f"edge=nginx:{var}/log/edge.json",
            "CDN_START": "beginning",
            "CDN_STATE": f"{var}/state/cdn.db",
            "CDN_HANDOFF_URL": config.url(config.viewers_metrics_port, "/handoff"),
        },
        "viewers": {
            "VIEWERS_LISTEN": f"{HOST}:{config.viewers_metrics_port}",
            "VIEWERS_PUBLIC_LISTEN": f"{HOST}:{config.reports_port}",
            "VIEWERS_STREAMS_URLS": streams,
            "VIEWERS_STATE_FOLDER": f"{var}/state/viewers",
            "VIEWERS_SPOOL_FOLDER": f"{var}/spool",
        },
    }
    ports = {
        "rtmp": config.rtmp_metrics_port,
        "hls": config.hls_metrics_port,
        "cdn": config.cdn_metrics_port,
        "viewers": config.viewers_metrics_port,
    }
    return [
        _python(name, ("exporters", name), values, config.url(ports[name], "/healthz"))
        for name, values in environ.items()
    ]


def _bridge(config: LocalConfig) -> list[Program]:
    environ = bridge_environ(config)
    recorder = {
        **environ,
        "RECORDER_METRICS_LISTEN": f"{HOST}:{config.recorder_metrics_port}",
        "RECORDER_SPOOL_DIR": f"{config.var}/spool",
    }
    return [
        _python("recorder", ("bridge", "record"), recorder, config.url(config.recorder_metrics_port, "/healthz")),
        _python("bridge", ("bridge", "serve"), environ, config.url(config.bridge_port, "/readyz")),
    ]


def _python(name: str, module: tuple[str, ...], environ: Mapping[str, str], ready: str) -> Program:
    """A service of ours."""
    return Program(name, (sys.executable, "-m", *module), 30, {**ONE_HEAP, **environ}, ready=ready)


def media_target(config: LocalConfig) -> str:
    """The media server, as exporter and bridge are told of it."""
    return f"local=nginx-rtmp+{config.url(config.origin_port, '/stat')}"


def bridge_environ(config: LocalConfig) -> dict[str, str]:
    """The bridge's settings in a local run."""
    return {
        "BRIDGE_LISTEN": f"{HOST}:{config.bridge_port}",
        "BRIDGE_METRICS_LISTEN": f"{HOST}:{config.bridge_metrics_port}",
        "BRIDGE_AUTH": "off",
        "BRIDGE_BROADCAST_SECONDS": str(config.broadcast_seconds),
        "BRIDGE_INTERNAL_TOKEN_FILE": f"{config.var}/secrets/internal-token",
        "BRIDGE_EVENTS_URL": config.url(config.viewers_metrics_port, "/events"),
        "BRIDGE_RTMP_URL": f"rtmp://{HOST}:{config.rtmp_port}/live",
        "BRIDGE_PLAYBACK_URL": config.url(config.edge_port, "/hls"),
        "BRIDGE_STREAMS_MEDIA_SERVERS": media_target(config),
        "PROMETHEUS_URL": config.url(config.prometheus_port),
        "DATABASE_URL": config.database_url,
    }


def _local(config: LocalConfig, name: str, command: str, order: int) -> Program:
    """A part of this package, with this run's settings."""
    return Program(name, (sys.executable, "-m", "deploy.local", command), order, config.environ())
