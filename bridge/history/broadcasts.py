"""Exact totals of broadcasts, as the session engine counted them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from bridge.database import Connection
from bridge.history.records import MAX_TEXT, Bounds, RecordRefusedError, moment, stream_key, text

COLUMNS = [
    "stream",
    "started",
    "shard",
    "ended",
    "peak_concurrent",
    "peak_at",
    "attempts",
    "plays",
    "views",
    "watch_seconds",
    "rebuffer_seconds",
    "rebuffers",
    "start_failures",
    "playback_failures",
    "exits_before_start",
    "switches",
    "engagements",
    "revenue",
]
_STORE = f"""
INSERT INTO broadcasts ({", ".join(COLUMNS)}) VALUES ({", ".join(["%s"] * len(COLUMNS))})
ON CONFLICT (stream, started, shard) DO UPDATE SET
{", ".join(f"{name} = excluded.{name}" for name in COLUMNS[3:])}"""


def broadcast_row(record: Mapping[str, Any], bounds: Bounds) -> tuple[Any, ...]:
    """A ``broadcast`` record in the order of COLUMNS; raises RecordRefusedError."""
    try:
        peak_time = record.get("peak_time")
        return (
            stream_key(record["stream"]),
            bounds.check(moment(record["started"])),
            text(record.get("shard"), MAX_TEXT),
            bounds.check(moment(record["ended"])),
            int(record["peak_concurrent"]),
            moment(peak_time) if peak_time else None,
            *(int(record.get(name, 0)) for name in ("attempts", "plays", "views")),
            *(float(record.get(name, 0)) for name in ("watch_seconds", "rebuffer_seconds")),
            *(
                int(record.get(name, 0))
                for name in ("rebuffers", "start_failures", "playback_failures", "exits_before_start", "switches")
            ),
            Jsonb({text(name, 32): int(number) for name, number in (record.get("engagements") or {}).items()}),
            float(record.get("revenue", 0)),
        )
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise RecordRefusedError(f"broadcast record: {error!r}") from error


def store_broadcasts(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """Store totals; a record written again replaces the same one."""
    for row in rows:
        connection.execute(_STORE.encode(), row)
