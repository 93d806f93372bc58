"""Minutes into the database: staged by COPY, merged by key, and rolled up to hours and days."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.database import Connection
from bridge.history.copying import stage
from bridge.history.partitions import ensure
from bridge.history.scopes import Tenants, is_stream, recording
from bridge.history.series import NAMES, MinuteRow

COLUMNS = {"stream": "text", "at": "timestamptz", **dict.fromkeys(NAMES, "float4")}

_MEASURES = ", ".join(NAMES)
_MERGE = f"""
INSERT INTO stream_minutes (stream, at, {_MEASURES})
SELECT stream, at, {_MEASURES} FROM staged_minutes ORDER BY stream, at
ON CONFLICT (stream, at) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in NAMES)}"""

_OWNED = "staged_minutes JOIN unnest(%(streams)s::text[], %(tenants)s::text[]) AS named (stream, tenant) USING (stream)"
_STREAMS = recording("at", "at + INTERVAL '1 minute'", _OWNED)

_MEANS = {
    "edge_error": "edge_error_ratio",
    "edge_ttfb": "edge_ttfb_seconds",
    "live_latency": "live_latency_seconds",
    "startup": "startup_seconds",
    "stall": "stall_ratio",
}
HOUR_FROM_MINUTES = {
    "minutes": "count(*)",
    "viewer_minutes": "coalesce(sum(viewers::float8), 0)",
    "viewers_peak": "max(viewers_peak)",
    "mean_peak": "max(viewers)",
    "publishing_seconds": "coalesce(sum(publishing_seconds::float8), 0)",
    "stale_seconds": "coalesce(sum(stale_seconds::float8), 0)",
    "ingest_bytes": "coalesce(sum(ingest_bytes_per_second::float8), 0) * 60",
    "edge_bytes": "coalesce(sum(edge_bytes_per_second::float8), 0) * 60",
    **{f"{name}_sum": f"coalesce(sum({column}::float8), 0)" for name, column in _MEANS.items()},
    **{f"{name}_minutes": f"count({column})" for name, column in _MEANS.items()},
    **{name: f"coalesce(sum({name}::float8), 0)" for name in ("dropped_frames", "reconnects", "rebuffers", "switches")},
}
"""The columns of ``stream_hours`` and how each comes from minutes."""
DAY_FROM_HOURS = {
    name: f"max({name})" if name in ("viewers_peak", "mean_peak") else f"sum({name})" for name in HOUR_FROM_MINUTES
}
"""The columns of ``stream_days`` and how each comes from hours."""


def store_minutes(connection: Connection, rows: Sequence[MinuteRow], tenants: Tenants) -> None:
    """Store rows, replacing what is there for the same stream and minute, with their roll-ups."""
    if not rows:
        return
    times = [row[1] for row in rows]
    ensure(connection, "stream_minutes", min(times), max(times))
    stage(connection, "staged_minutes", COLUMNS, rows)
    connection.execute(_MERGE.encode())
    if rolls_up_itself(connection):
        connection.execute(_rollup("stream_hours", "hour", "stream_minutes", HOUR_FROM_MINUTES).encode())
        connection.execute(_rollup("stream_days", "day", "stream_hours", DAY_FROM_HOURS).encode())
    streams = list({row[0] for row in rows if is_stream(row[0])})
    connection.execute(_STREAMS.encode(), {"streams": streams, "tenants": [tenants.of(one) for one in streams]})


def rolls_up_itself(connection: Connection) -> bool:
    """Whether hours and days are tables that we fill, and no continuous aggregates."""
    row = connection.execute("SELECT relkind FROM pg_class WHERE oid = 'stream_hours'::regclass").fetchone()
    return row is not None and row[0] in ("r", b"r")


def _rollup(table: str, unit: str, source: str, columns: dict[str, str]) -> str:
    """Compute the cells of ``table`` that staged minutes fall into anew, from all of ``source``."""
    names, sums = ", ".join(columns), ", ".join(columns.values())
    updates = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return f"""
INSERT INTO {table} (stream, at, {names})
SELECT touched.stream, touched.bucket, cell.*
FROM (SELECT DISTINCT stream, date_trunc('{unit}', at, 'UTC') AS bucket FROM staged_minutes) touched
CROSS JOIN LATERAL (
  SELECT {sums} FROM {source}
  WHERE stream = touched.stream AND at >= touched.bucket AND at < touched.bucket + INTERVAL '1 {unit}'
) cell
ON CONFLICT (stream, at) DO UPDATE SET {updates}"""
