"""The bridge's settings, read from ``BRIDGE_…`` environment variables (and ``PROMETHEUS_URL``, ``DATABASE_URL``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exporters.checks import parse_address, url
from exporters.errors import ConfigError
from exporters.settings import Secret, setting

PREFIX = "BRIDGE_"
AUTH_MODES = ("required", "anonymous-read", "off")
LOCAL_ORIGINS = "http://localhost:*,http://127.0.0.1:*"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?/?", re.IGNORECASE)


def check_origin(variable: str, text: str) -> None:
    """Raises ConfigError for what no browser sends as its origin."""
    if not ORIGIN.fullmatch(text):
        raise ConfigError(
            f"{variable} has {text!r}; it must be scheme://host or scheme://host:port, such as https://app.example.com,"
            " where * may stand for the port only"
        )


@dataclass(frozen=True)
class Config:
    """Every setting of the bridge and its recorder."""

    listen: str = setting("127.0.0.1:8001", "address of the REST and WebSocket server", check=parse_address)
    metrics_listen: str = setting(
        "127.0.0.1:9705", "address of the bridge's own /metrics; empty for none", check=parse_address, may_be_empty=True
    )
    prometheus_url: str = setting(
        "http://127.0.0.1:9090",
        "Prometheus, VictoriaMetrics, Thanos or Mimir",
        env="PROMETHEUS_URL",
        check=url("http://127.0.0.1:9090"),
    )
    database_url: Secret = setting(Secret(""), "PostgreSQL or TimescaleDB; empty for none", env="DATABASE_URL")
    timescale: bool = setting(True, "use the timescaledb extension where the server has it", env="DATABASE_TIMESCALE")
    mock: bool = setting(False, "serve a seeded simulation instead of real data")
    mock_seed: int = setting(7, "seed of the simulation")

    # Time
    tick_seconds: float = setting(2.0, "how often the snapshot is taken", minimum=0.2, maximum=60)
    broadcast_seconds: float = setting(5.0, "how often WebSockets are sent to", minimum=1, maximum=30)
    query_timeout_seconds: float = setting(5.0, "time limit of one Prometheus query", minimum=0.1, maximum=60)
    stale_limit_seconds: float = setting(60.0, "age of a snapshot above which the answer is 503", minimum=1)
    timeline_step_seconds: int = setting(10, "distance of points in viewersOverTime", minimum=1, maximum=300)
    timeline_points: int = setting(30, "points in viewersOverTime", minimum=24, maximum=360)
    drain_seconds: float = setting(1.0, "how long /readyz fails before sockets are closed", minimum=0, maximum=60)

    # Who may ask
    auth: str = setting("required", "who needs a token", choices=AUTH_MODES)
    jwt_secret: Secret = setting(Secret(""), "shared secret of HS256 tokens, at least 32 bytes")
    jwks_url: str = setting(
        "",
        "key set of RS256 and ES256 tokens (AWS Cognito: …/.well-known/jwks.json)",
        check=url("https://issuer.example.com/.well-known/jwks.json"),
    )
    jwt_issuer: str = setting("", "required iss claim; empty: any")
    jwt_audience: str = setting("", "required aud (or client_id) claim; empty: any")
    jwt_leeway_seconds: float = setting(30.0, "clock difference that is forgiven", minimum=0, maximum=300)
    default_tenant: str = setting("default", "tenant of streams that no registry knows")
    origins: tuple[str, ...] = setting(
        tuple(LOCAL_ORIGINS.split(",")), "allowed browser origins; * stands for a port", check=check_origin
    )
    trusted_proxies: int = setting(0, "proxies in front whose X-Forwarded-For is believed", minimum=0, maximum=5)
    rate_limit_token: str = setting("1200/minute", "requests a token may make")
    rate_limit_address: str = setting("6000/minute", "requests an address may make")
    rate_limit_storage: str = setting(
        "memory://", "where limits are counted: memory://, or a Redis that bridges share (redis://…)"
    )
    internal_token: Secret = setting(Secret(""), "shared secret of /internal calls; empty: loopback peers only")

    access_log: bool = setting(True, "one log line a request")

    # WebSockets
    max_sockets: int = setting(20000, "open WebSockets of this process", minimum=1)
    max_sockets_per_address: int = setting(2000, "open WebSockets of one address", minimum=1)
    stall_seconds: float = setting(30.0, "time without progress after which a slow reader is closed", minimum=1)
    ping_seconds: float = setting(25.0, "distance of protocol pings", minimum=1, maximum=300)
    silence_seconds: float = setting(60.0, "silence after which a peer is closed", minimum=2, maximum=600)

    # Where streams are published and played
    rtmp_url: str = setting("rtmp://127.0.0.1:1935/live", "where encoders publish to")
    playback_url: str = setting("http://127.0.0.1:8081/hls/{stream}.m3u8", "where a stream is played")
    events_url: str = setting(
        "http://127.0.0.1:9704/events",
        "where app events are handed to; empty for nowhere",
        check=url("http://127.0.0.1:9704/events"),
        may_be_empty=True,
    )
    currency: str = setting("USD", "the platform's currency")
