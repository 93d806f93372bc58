"""The HLS exporter's settings and how its parts are put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exporters.checks import parse_address, url
from exporters.discovery import StreamDirectory
from exporters.errors import ConfigError
from exporters.exposition import Table
from exporters.hls.engine import ProbeEngine
from exporters.hls.stream import ProbeOptions
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Endpoint, Target, TargetFile, complaint, live_targets, read_endpoints
from exporters.server import Service
from exporters.settings import Secret, setting

PREFIX = "HLS_"


@dataclass(frozen=True)
class HlsConfig:
    """Settings of the HLS exporter."""

    listen: str = setting("127.0.0.1:9702", "Address of /metrics and /healthz.", check=parse_address)
    streams_urls: tuple[str, ...] = setting(
        ("http://127.0.0.1:9701/streams",),
        "Lists of live streams to follow: the RTMP exporter's or the bridge's.",
        check=url("http://127.0.0.1:9701/streams"),
    )
    streams_token: Secret = setting(Secret(""), "Bearer token for those lists, such as the bridge's internal token.")
    endpoints: tuple[str, ...] = setting(
        (
            "origin=http://127.0.0.1:8080/hls/{stream}.m3u8",
            "edge=http://127.0.0.1:8081/hls/{stream}.m3u8",
        ),
        "Where live streams are probed, as name=URL with {stream} for the public id; at most 8.",
    )
    targets_file: str = setting("", "YAML file of further playlists to probe; read again when it changes.")
    timeout_seconds: float = setting(5.0, "Longest wait for an answer.", minimum=0.1, maximum=60)
    reload_seconds: float = setting(10.0, "How often multivariant playlists are fetched.", minimum=0.5)
    sample_seconds: float = setting(
        10.0, "How often a segment of each stream is downloaded, its renditions in turn; 0 for never.", minimum=0
    )
    samples_per_second: float = setting(
        10.0, "Segments downloaded in a second at most, over all streams; with many streams each waits.", minimum=0.01
    )
    grace_seconds: float = setting(
        10.0, "How long a stream that has just appeared may have no playlist before that is a violation.", minimum=0
    )
    retention_seconds: float = setting(900.0, "How long an ended stream's counters stay.", minimum=0)
    max_streams: int = setting(1000, "Streams probed at most; further ones are left out and counted.", minimum=1)
    user_agent: str = setting("bigfootlive-probe/1", "User-Agent of the requests; edge logs can tell them by it.")


CONFIG = HlsConfig


class TargetSource:
    """The present targets: live streams at every endpoint, then those of the file."""

    def __init__(self, directory: StreamDirectory, endpoints: Sequence[Endpoint], file: TargetFile | None) -> None:
        self._directory = directory
        self._endpoints = endpoints
        self._file = file

    def __call__(self) -> list[Target]:
        listed: list[Target] = []
        if self._file is not None:
            self._file.refresh()
            listed = self._file.targets
        return live_targets(self._directory.streams.values(), self._endpoints) + listed


class HlsCollector:
    """Gives the probing engine's tables.

    ``livestream_hls_playlist_stale{stream="demo",endpoint="origin",variant="720p"} 0``
    """

    name = "playlists"

    def __init__(self, tables: HlsTables) -> None:
        self._tables = tables

    def collect(self) -> Sequence[Table]:
        return self._tables.all()


def build(config: HlsConfig) -> Service:
    """The service; raises ConfigError when an endpoint or the targets file is wrong."""
    endpoints = read_endpoints("HLS_ENDPOINTS", config.endpoints)
    file = TargetFile(Path(config.targets_file)) if config.targets_file else None
    if file is not None:
        _read_first(file)
    directory = StreamDirectory(config.streams_urls, token=config.streams_token)
    tables = HlsTables()
    engine = ProbeEngine(
        TargetSource(directory, endpoints, file),
        tables,
        options=ProbeOptions(config.reload_seconds, config.sample_seconds, config.grace_seconds),
        timeout_seconds=config.timeout_seconds,
        retention_seconds=config.retention_seconds,
        max_streams=config.max_streams,
        samples_per_second=config.samples_per_second,
        user_agent=config.user_agent,
    )
    return Service("hls", [HlsCollector(tables)], [directory, engine])


def _read_first(file: TargetFile) -> None:
    """At start a broken file ends the program; later its last good targets stay."""
    if not file.path.is_file():
        raise ConfigError(f"HLS_TARGETS_FILE: there is no file {file.path}")
    try:
        file.read()
    except (OSError, UnicodeDecodeError, ConfigError) as error:
        raise ConfigError(f"HLS_TARGETS_FILE: {file.path}: {complaint(error)}") from None
