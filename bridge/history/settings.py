"""The recorder's settings, from ``RECORDER_…`` environment variables and what it shares with the bridge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from exporters.checks import parse_address, parse_rates, url
from exporters.settings import Secret, setting

PREFIX = "RECORDER_"


@dataclass(frozen=True)
class RecorderConfig:
    """Every setting of the recorder."""

    metrics_listen: str = setting("127.0.0.1:9706", "address of the recorder's own /metrics", check=parse_address)
    prometheus_url: str = setting(
        "http://127.0.0.1:9090",
        "where minutes are read from",
        env="PROMETHEUS_URL",
        check=url("http://127.0.0.1:9090"),
    )
    database_url: Secret = setting(Secret(""), "PostgreSQL or TimescaleDB", env="DATABASE_URL")
    spool_dir: tuple[Path, ...] = setting(
        (Path("var/spool"),), "folders into which session engines spool; the recorder deletes what it has stored"
    )
    query_timeout_seconds: float = setting(20.0, "time limit of one Prometheus query", minimum=0.1, maximum=300)
    grace_seconds: float = setting(
        15.0, "how long after its end a minute is read, so that rules have recorded it", minimum=0, maximum=3600
    )
    first_hours: float = setting(24.0, "how far back the very first run reads", minimum=0, maximum=24 * 366)
    backfill_days: float = setting(
        31.0, "how far back a gap is filled; beyond it Prometheus has forgotten", minimum=0.1, maximum=366
    )
    chunk_minutes: int = setting(30, "minutes read and stored at once while filling a gap", minimum=1, maximum=600)
    takeover_seconds: float = setting(
        3.0, "how often a standby tries to become the active recorder", minimum=0.1, maximum=15
    )
    timescale: bool = setting(True, "use the timescaledb extension where the server has it", env="DATABASE_TIMESCALE")
    minutes_days: int = setting(400, "days that minutes are kept", minimum=2)
    sessions_days: int = setting(400, "days that single sessions are kept", minimum=2)
    events_days: int = setting(400, "days that single events are kept", minimum=2)
    rollups_days: int = setting(1900, "days that roll-ups and totals of broadcasts are kept", minimum=2)
    compress_days: int = setting(14, "age at which TimescaleDB (community licence) compresses", minimum=1)
    currency: str = setting("USD", "the platform's currency", env="BRIDGE_CURRENCY")
    currency_rates: tuple[str, ...] = setting(
        (), "worth of other currencies in it, such as EUR=1.08,GBP=1.27", env="VIEWERS_CURRENCY_RATES"
    )
    default_tenant: str = setting("default", "tenant of streams no registry knows", env="BRIDGE_DEFAULT_TENANT")

    def rates(self) -> dict[str, float]:
        """The worth of each other currency; raises ConfigError."""
        return parse_rates("VIEWERS_CURRENCY_RATES", self.currency_rates)
