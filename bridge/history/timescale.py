"""What TimescaleDB adds: hypertables; with the community licence also aggregates, compression and retention jobs.

The SQL follows the TimescaleDB API reference (continuous aggregates, compression, data retention).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from bridge.database import Connection, connect
from bridge.history.migrate import LOCK
from bridge.history.minutes import DAY_FROM_HOURS, HOUR_FROM_MINUTES
from bridge.history.partitions import FACTS
from bridge.history.retention import Keep

log = logging.getLogger(__name__)


class Edition(Enum):
    """What the database is: plain PostgreSQL, or TimescaleDB under one of its licences."""

    PLAIN = "plain"
    APACHE = "apache"
    COMMUNITY = "timescale"


@dataclass(frozen=True, slots=True)
class Policies:
    """What the community licence's background jobs are told."""

    keep: Keep
    compress_after: timedelta


def edition(connection: Connection) -> Edition:
    """The edition this database runs."""
    row = connection.execute(
        "SELECT current_setting('timescaledb.license', true) FROM pg_extension WHERE extname = 'timescaledb'"
    ).fetchone()
    if row is None:
        return Edition.PLAIN
    return Edition.COMMUNITY if row[0] == Edition.COMMUNITY.value else Edition.APACHE


def apply_policies(url: str, policies: Policies) -> Edition:
    """Make aggregates and policies where the licence allows them, else nothing; gives the edition. Idempotent."""
    with connect(url, name="bigfootlive-policies") as connection:
        connection.autocommit = True
        found = edition(connection)
        if found is Edition.COMMUNITY:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            for statement in community_statements(policies):
                connection.execute(statement.encode())
            log.info("timescaledb: aggregates and policies are in place")
        return found


def hours_query() -> str:
    """Minutes by hour, as the continuous aggregate computes them."""
    return _aggregate("1 hour", "stream_minutes", HOUR_FROM_MINUTES)


def days_query() -> str:
    """Hours by UTC day, as the second continuous aggregate computes them from the first."""
    return _aggregate("1 day", "stream_hours", DAY_FROM_HOURS)


def community_statements(policies: Policies) -> list[str]:
    """All that is done with the community licence, in order."""
    statements = []
    aggregates = (("stream_hours", hours_query(), "3 days", "1 hour"), ("stream_days", days_query(), "9 days", "1 day"))
    for name, query, start, end in aggregates:
        statements += [
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} WITH (timescaledb.continuous, "
            f"timescaledb.materialized_only = false) AS {query} WITH NO DATA",
            f"SELECT add_continuous_aggregate_policy('{name}', start_offset => INTERVAL '{start}', "
            f"end_offset => INTERVAL '{end}', schedule_interval => INTERVAL '15 minutes', if_not_exists => true)",
            f"SELECT add_retention_policy('{name}', {_interval(policies.keep.rollups)}, if_not_exists => true)",
        ]
    for fact, column in FACTS.items():
        statements += [
            f"ALTER TABLE {fact} SET (timescaledb.compress, timescaledb.compress_segmentby = 'stream', "
            f"timescaledb.compress_orderby = '{column} DESC')",
            f"SELECT add_compression_policy('{fact}', {_interval(policies.compress_after)}, if_not_exists => true)",
            f"SELECT add_retention_policy('{fact}', {_interval(policies.keep.of(fact))}, if_not_exists => true)",
        ]
    return statements


def _aggregate(bucket: str, source: str, columns: dict[str, str]) -> str:
    sums = ", ".join(f"{text} AS {name}" for name, text in columns.items())
    return (
        f"SELECT stream, time_bucket('{bucket}', {source}.at) AS at, {sums} "
        f"FROM {source} GROUP BY stream, time_bucket('{bucket}', {source}.at)"
    )


def _interval(length: timedelta) -> str:
    return f"INTERVAL '{round(length.total_seconds())} seconds'"
