"""Settings of the stream registry, read from ``BRIDGE_STREAMS_…`` environment variables."""

from __future__ import annotations

from dataclasses import dataclass

from exporters.settings import Secret, setting

PREFIX = "BRIDGE_STREAMS_"


@dataclass(frozen=True)
class StreamsConfig:
    """How stream keys are kept, and how publishing is reflected in the registry."""

    key_secret: Secret = setting(
        Secret(""), "secret that stream keys are encrypted with in the database; empty: they are kept as they are"
    )
    away_seconds: float = setting(
        300.0, "time without publishing after which a live stream has ended; 0: never", minimum=0
    )
    refresh_seconds: float = setting(
        2.0, "how often the registry and the live state are compared", minimum=0.2, maximum=60
    )
    cache_limit: int = setting(100_000, "streams held in memory", minimum=100)
    media_servers: tuple[str, ...] = setting(
        (), "media servers that are told to cut the publisher of a stopped stream, as RTMP_TARGETS names them"
    )
    media_authorization: Secret = setting(Secret(""), "Authorization header that these media servers' APIs want")
