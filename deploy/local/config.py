"""Settings of the local stack: its folder, ports, test picture and simulated audience."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from exporters import settings
from exporters.settings import Secret, setting

PREFIX = "LOCAL_"
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class LocalConfig:
    """One local run. All ports are on loopback; everything that is written goes below ``var``."""

    var: Path = setting(Path("var"), "Folder for all data, logs and sockets, relative to the project.")
    stream: str = setting("demo", "Public id of the test stream.")
    viewers: int = setting(12, "Simulated viewers; 0 for none.", minimum=0, maximum=2000)
    publish: bool = setting(True, "Whether to publish the test picture.")
    broadcast_seconds: int = setting(1, "Seconds between WebSocket messages.", minimum=1, maximum=30)
    rtmp_port: int = setting(1935, "RTMP ingest.")
    packager_port: int = setting(1936, "RTMP from ingest to the packager; inside only.")
    origin_port: int = setting(8080, "HLS origin and /stat.")
    edge_port: int = setting(8081, "Caching edge: what players ask.")
    bridge_port: int = setting(8001, "REST, WebSockets and console.")
    reports_port: int = setting(8002, "Player reports: CMCD, beacons, events.")
    logs_port: int = setting(8003, "Pushed CDN logs.")
    rtmp_metrics_port: int = setting(9701, "RTMP exporter.")
    hls_metrics_port: int = setting(9702, "HLS exporter.")
    cdn_metrics_port: int = setting(9703, "CDN exporter.")
    viewers_metrics_port: int = setting(9704, "Viewers exporter.")
    bridge_metrics_port: int = setting(9705, "The bridge's own metrics.")
    recorder_metrics_port: int = setting(9706, "The recorder's own metrics.")
    prometheus_port: int = setting(9090, "Prometheus.")
    alertmanager_port: int = setting(9093, "Alertmanager.")
    database_port: int = setting(5432, "PostgreSQL.")
    bridge_url: str = setting("", "Bridge that publisher and audience ask; empty: this run's own.")
    edge_url: str = setting("", "Edge that the audience watches at; empty: this run's own.")
    ingest_url: str = setting("", "Where the test picture is published to; empty: this run's own ingest.")
    token: Secret = setting(Secret(""), "Token with which publisher and audience ask the bridge, where it needs one.")

    @property
    def database_url(self) -> str:
        return f"postgresql://analytics@{HOST}:{self.database_port}/analytics"

    def url(self, port: int, path: str = "") -> str:
        """An HTTP address on this machine."""
        return f"http://{HOST}:{port}{path}"

    def bridge(self, path: str) -> str:
        """An address of the bridge, as publisher and audience reach it."""
        return (self.bridge_url or self.url(self.bridge_port)) + path

    def edge(self, path: str) -> str:
        """An address of the edge, as the audience reaches it."""
        return (self.edge_url or self.url(self.edge_port)) + path

    def ingest(self) -> str:
        """The RTMP address of the application that the test picture is published to."""
        return self.ingest_url or f"rtmp://{HOST}:{self.rtmp_port}/live"

    def authorization(self) -> dict[str, str]:
        """Headers of a request to the bridge."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def environ(self) -> dict[str, str]:
        """These settings as environment variables, for the run's own programs."""
        return {f"{PREFIX}{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}

    def ports(self) -> dict[str, int]:
        """Port numbers by the setting that changes them."""
        return {
            f"{PREFIX}{field.name.upper()}": getattr(self, field.name)
            for field in fields(self)
            if field.name.endswith("_port")
        }


HOST = "127.0.0.1"


def read(environ: Mapping[str, str] = os.environ) -> LocalConfig:
    """The settings of this environment; raises ConfigError naming a wrong variable."""
    config = settings.read(LocalConfig, PREFIX, environ)
    return replace(config, var=(PROJECT / config.var).resolve())
