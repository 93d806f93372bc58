"""Puts the stream registry together from its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.database import Database
from bridge.snapshot import SnapshotStore
from bridge.streams.keys import KeyBox
from bridge.streams.memory import StreamMemory
from bridge.streams.publishers import Publishers
from bridge.streams.reflector import Reflector
from bridge.streams.registry import StreamRegistry
from bridge.streams.settings import PREFIX, StreamsConfig
from bridge.streams.store import StreamStore
from exporters.errors import ConfigError
from exporters.rtmp.backends import BACKENDS
from exporters.rtmp.targets import parse_targets


@dataclass(frozen=True, slots=True)
class Streams:
    """The registry, and the worker that keeps it up to date (None without a database)."""

    registry: StreamRegistry
    reflector: Reflector | None


def publishers(config: StreamsConfig, on_result: Callable[[str], None] = lambda result: None) -> Publishers:
    """Who cuts publishers off, at the media servers of the settings; raises ConfigError."""
    variable = f"{PREFIX}MEDIA_SERVERS"
    targets = parse_targets(variable, config.media_servers)
    unknown = [one.backend for one in targets if one.backend not in BACKENDS]
    if unknown:
        raise ConfigError(f"{variable}: publishers are cut at {', '.join(BACKENDS)}, not at {unknown[0]}")
    return Publishers(targets, config.media_authorization, on_result)


def build(config: StreamsConfig, default_tenant: str, database: Database | None, snapshots: SnapshotStore) -> Streams:
    """A registry over the database, or over the metrics alone where there is none."""
    memory = StreamMemory(config.cache_limit)
    if database is None:
        return Streams(StreamRegistry(None, snapshots, default_tenant, memory), None)
    store = StreamStore(database, KeyBox(config.key_secret))
    reflector = Reflector(
        store,
        memory,
        snapshots,
        away_seconds=config.away_seconds,
        interval_seconds=config.refresh_seconds,
        limit=config.cache_limit,
    )
    return Streams(StreamRegistry(store, snapshots, default_tenant, memory), reflector)
