"""Minutes from recorded series: one row a stream and minute, as Prometheus says, and the sums over tenants and all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bridge.history.records import is_stream_key
from bridge.history.scopes import EVERYTHING, Tenants, tenant_scope
from prometheus import queries
from prometheus.queries import Query

MINUTE_SECONDS = 60
COLUMNS: Mapping[str, Query] = {
    "viewers": queries.MINUTE_VIEWERS,
    "viewers_peak": queries.MINUTE_VIEWERS_PEAK,
    "publishing_seconds": queries.MINUTE_PUBLISHING,
    "stale_seconds": queries.MINUTE_STALE,
    "ingest_bytes_per_second": queries.MINUTE_INGEST_RATE,
    "edge_bytes_per_second": queries.MINUTE_EDGE_RATE,
    "edge_error_ratio": queries.MINUTE_EDGE_ERRORS,
    "edge_ttfb_seconds": queries.MINUTE_EDGE_TTFB,
    "live_latency_seconds": queries.MINUTE_LIVE_LATENCY,
    "startup_seconds": queries.MINUTE_STARTUP,
    "stall_ratio": queries.MINUTE_STALL,
    "frame_rate": queries.MINUTE_FRAME_RATE,
    "dropped_frames": queries.MINUTE_DROPPED_FRAMES,
    "reconnects": queries.MINUTE_RECONNECTS,
    "rebuffers": queries.MINUTE_REBUFFERS,
    "switches": queries.MINUTE_SWITCHES,
}
"""Each measured column of ``stream_minutes`` and the query that gives it."""
NAMES = tuple(COLUMNS)
SUMMED = frozenset(
    [
        "viewers",
        "publishing_seconds",
        "stale_seconds",
        "ingest_bytes_per_second",
        "edge_bytes_per_second",
        "dropped_frames",
        "reconnects",
        "rebuffers",
        "switches",
    ]
)
"""Columns that add up over streams; of the others a sum over streams takes the mean, and of peaks see ``fold``."""
MinuteRow = tuple[Any, ...]
"""``(stream, at, *measures in the order of COLUMNS)``."""
Points = Iterable[tuple[float, float]]


class RangeSource(Protocol):
    """Answers range queries; bridge.promapi.PrometheusApi does."""

    def range(self, query: Query, start: float, end: float, step_seconds: float) -> Mapping[tuple[str, ...], Any]: ...


@dataclass(slots=True)
class _Sum:
    totals: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    top: float = 0.0

    def add(self, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            self.totals[name] = self.totals.get(name, 0.0) + value
            self.counts[name] = self.counts.get(name, 0) + 1
        self.top = max(self.top, row.get("viewers_peak", 0.0))

    def fold(self) -> dict[str, float]:
        """The row of a sum over streams. Its peak is at least the sum of the means and the largest single peak."""
        folded = {name: total if name in SUMMED else total / self.counts[name] for name, total in self.totals.items()}
        if "viewers_peak" in folded:
            folded["viewers_peak"] = max(self.top, folded.get("viewers", 0.0))
        return folded


def read_minutes(source: RangeSource, tenants: Tenants, start: int, end: int) -> list[MinuteRow]:
    """Rows of the minutes that begin from ``start`` up to, not with, ``end`` (Unix seconds, whole minutes).

    Raises what the source raises: one query that fails fails all, so that no half row is stored.
    """
    cells: dict[tuple[str, int], dict[str, float]] = {}
    for name, query in COLUMNS.items():
        for (stream,), points in _range(source, query, start, end).items():
            if not is_stream_key(stream):
                continue  # one name that cannot be stored must not hold up all minutes
            for at, value in points:
                cells.setdefault((stream, round(at) - MINUTE_SECONDS), {})[name] = value
    sums: dict[tuple[str, int], _Sum] = {}
    for (stream, at), row in cells.items():
        for scope in (tenant_scope(tenants.of(stream)), EVERYTHING):
            sums.setdefault((scope, at), _Sum()).add(row)
    folded = {key: one.fold() for key, one in sums.items()}
    for name, query in (("viewers", queries.MINUTE_ALL_VIEWERS), ("viewers_peak", queries.MINUTE_ALL_VIEWERS_PEAK)):
        for at, value in _range(source, query, start, end).get((), ()):
            # Prometheus itself recorded the sum over all streams, with its true peak.
            folded.setdefault((EVERYTHING, round(at) - MINUTE_SECONDS), {})[name] = value
    return [_row(key, row) for key, row in sorted({**cells, **folded}.items())]


def _range(source: RangeSource, query: Query, start: int, end: int) -> Mapping[tuple[str, ...], Points]:
    return source.range(query, start + MINUTE_SECONDS, end, MINUTE_SECONDS)


def _row(key: tuple[str, int], row: Mapping[str, float]) -> MinuteRow:
    return (key[0], datetime.fromtimestamp(key[1], UTC), *(row.get(name) for name in NAMES))
