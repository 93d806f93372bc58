"""Records and series as the session engine and Prometheus would give them, made for tests with known sums."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from datasketches import hll_sketch, tgt_hll_type

from bridge.history.records import Bounds
from exporters.viewers.spool import SpoolWriter
from prometheus.queries import Query

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""A Friday in the past of every test."""
BOUNDS = Bounds(NOON - timedelta(days=400), NOON + timedelta(days=400))


def session(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A session record as the spool holds it."""
    record = {
        "kind": "session",
        "session_id": f"{number:032x}",
        "stream": "demo",
        "user_id": None,
        "address": "203.0.113.0",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        "device": "desktop",
        "os": "Linux",
        "browser": "Firefox",
        "country": "DE",
        "region": "Berlin",
        "city": "Berlin",
        "joined": NOON.timestamp() + number,
        "left": NOON.timestamp() + number + 100,
        "watch_seconds": 90.25,
        "startup_seconds": 1.5,
        "rebuffer_seconds": 0.75,
        "rebuffers": 1,
        "variant": "720p",
        "rendition_seconds": {"720p": 60.25, "480p": 30.0},
        "switches": 2,
        "errors": 0,
        "average_bytes_per_second": 250000.0,
        "live_latency_seconds": 6.5,
        "end_reason": "quit",
        "engagements": {},
        "chat_messages": 0,
        "played": True,
        "viewed": True,
    }
    return {**record, **changes}


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An event record as the spool holds it."""
    record = {
        "kind": "event",
        "event_id": f"event-{number}",
        "stream": "demo",
        "event": "chat_message",
        "time": NOON.timestamp() + number,
        "user_id": "ada",
        "session_id": f"{number:032x}",
        "amount": None,
        "currency": None,
        "data": {"username": "Ada"},
    }
    return {**record, **changes}


def sketch(viewers: Iterable[str], **changes: Any) -> dict[str, Any]:
    """A sketch record of these viewers, of the UTC day of ``time``."""
    counted = hll_sketch(14, tgt_hll_type.HLL_8)
    for one in viewers:
        counted.update(one)
    record = {
        "kind": "sketch",
        "stream": "demo",
        "started": NOON.timestamp(),
        "shard": "0",
        "window": "day",
        "time": NOON.timestamp() + 60,
        "sketch": base64.b64encode(bytes(counted.serialize_compact())).decode(),
        "estimate": counted.get_estimate(),
    }
    return {**record, **changes}


def broadcast(**changes: Any) -> dict[str, Any]:
    """A broadcast's totals as the spool holds them."""
    record = {
        "kind": "broadcast",
        "stream": "demo",
        "started": NOON.timestamp(),
        "ended": NOON.timestamp() + 3600,
        "shard": "0",
        "peak_concurrent": 7,
        "peak_time": NOON.timestamp() + 600,
        "attempts": 3,
        "plays": 3,
        "views": 3,
        "watch_seconds": 270.75,
        "rebuffer_seconds": 2.25,
        "rebuffers": 3,
        "start_failures": 0,
        "playback_failures": 0,
        "exits_before_start": 0,
        "switches": 6,
        "engagements": {"chat_message": 2},
        "revenue": 0.0,
        "unique_estimate": 3.0,
        "chat_participants_estimate": 1.0,
    }
    return {**record, **changes}


def spool(folder: Path, records: Iterable[Mapping[str, Any]], name: str = "viewers") -> None:
    """Write records into one complete spool file."""
    writer = SpoolWriter(folder, name)
    for record in records:
        assert writer.write(record)
    writer.close()


class Recorded:
    """Answers range queries from values by query name, stream and minute's beginning (Unix seconds)."""

    def __init__(self, values: Mapping[str, Mapping[str, Mapping[int, float]]]) -> None:
        self._values = values

    def range(
        self, query: Query, start: float, end: float, step_seconds: float
    ) -> dict[tuple[str, ...], list[tuple[float, float]]]:
        answer: dict[tuple[str, ...], list[tuple[float, float]]] = {}
        for stream, minutes in self._values.get(query.name, {}).items():
            points = [(at + 60.0, value) for at, value in sorted(minutes.items()) if start <= at + 60 <= end]
            if points:
                answer[(stream,) if query.labels else ()] = points
        return answer
