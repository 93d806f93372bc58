"""The gauges of the viewers exporter, made from the engine's state when it is scraped."""

from __future__ import annotations

from collections.abc import Iterable

from exporters import metrics
from exporters.exposition import Labels, Samples, Table
from exporters.labels import OTHER
from exporters.metrics import Family
from exporters.viewers.broadcast import Broadcast
from exporters.viewers.engagement import DAY_SECONDS
from exporters.viewers.peers import CHAT, SketchExchange
from exporters.viewers.shard import Shard
from exporters.viewers.uniques import WINDOWS, Sketch

TOP_COUNTRIES = 20
UNIQUE_REFRESH_SECONDS = 15.0


class ViewerCollector:
    """Sessions, audiences and broadcast totals.

    ``livestream_viewer_concurrent{stream="demo"} 3``
    """

    name = "sessions"

    def __init__(self, shard: Shard, exchange: SketchExchange) -> None:
        self._shard = shard
        self._exchange = exchange
        self._tables = {family.name: Samples(family) for family in GAUGES}
        self._uniques: dict[str, tuple[float, list[tuple[str, float]]]] = {}

    def collect(self) -> Iterable[Table]:
        """All gauges as they are now, and the counters."""
        now = self._shard.now()
        broadcasts = list(self._shard.engine.broadcasts.values())
        rows: dict[str, dict[Labels, float]] = {name: {} for name in self._tables}
        for broadcast in broadcasts:
            for family, labels, value in [*_audience(broadcast), *_totals(broadcast, now)]:
                put = rows[family.name]
                put[labels] = put.get(labels, 0) + value
            rows[metrics.VIEWER_CHAT_PARTICIPANTS.name][(broadcast.label,)] = self._estimate(
                broadcast, CHAT, broadcast.chatters
            )
            for window, value in self._estimates(broadcast, now):
                rows[metrics.VIEWER_UNIQUE.name][broadcast.label, window] = value
        _platform(broadcasts, rows)
        rows[metrics.VIEWER_TABLE_SESSIONS.name][()] = len(self._shard.engine.sessions)
        rows[metrics.VIEWER_SPOOL_BYTES.name][()] = self._shard.spool.waiting_bytes
        if self._shard.saved_at:
            rows[metrics.VIEWER_CHECKPOINT.name][()] = self._shard.saved_at
        present = {broadcast.stream for broadcast in broadcasts}
        self._uniques = {stream: kept for stream, kept in self._uniques.items() if stream in present}
        for name, table in self._tables.items():
            table.replace(rows[name].items())
        return [*self._tables.values(), *self._shard.tables.all]

    def _estimates(self, broadcast: Broadcast, now: float) -> list[tuple[str, float]]:
        """Distinct viewers by window; a merge of sketches is kept for some seconds."""
        kept = self._uniques.get(broadcast.stream)
        if kept is not None and now - kept[0] < UNIQUE_REFRESH_SECONDS and not broadcast.viewers.changed:
            return kept[1]
        if kept is None or now - kept[0] >= UNIQUE_REFRESH_SECONDS:
            with self._shard.lock:
                broadcast.viewers.changed = False
                sketches = [(name, broadcast.viewers.window(name, now)) for name in WINDOWS]
            windows = [(name, self._estimate(broadcast, name, sketch)) for name, sketch in sketches]
        else:
            windows = kept[1][1:]
        whole = ("stream", self._estimate(broadcast, "stream", broadcast.viewers.whole))
        kept = self._uniques[broadcast.stream] = (now if kept is None else max(kept[0], now), [whole, *windows])
        return kept[1]

    def _estimate(self, broadcast: Broadcast, window: str, sketch: Sketch) -> float:
        return round(self._exchange.estimate(broadcast.stream, window, sketch), 1)


GAUGES: tuple[Family, ...] = (
    metrics.VIEWER_SESSIONS,
    metrics.VIEWER_CONCURRENT,
    metrics.VIEWER_CONCURRENT_BY_COUNTRY,
    metrics.VIEWER_CONCURRENT_BY_DEVICE,
    metrics.VIEWER_STREAM_BY_COUNTRY,
    metrics.VIEWER_STREAM_BY_DEVICE,
    metrics.VIEWER_STREAM_BY_VARIANT,
    metrics.VIEWER_BROADCAST_START,
    metrics.VIEWER_BROADCAST_PEAK,
    metrics.VIEWER_BROADCAST_PLAYS,
    metrics.VIEWER_BROADCAST_WATCH,
    metrics.VIEWER_BROADCAST_ENGAGEMENTS,
    metrics.VIEWER_BACKGROUNDED,
    metrics.VIEWER_UNIQUE,
    metrics.VIEWER_REVENUE_TODAY,
    metrics.VIEWER_CHAT_PARTICIPANTS,
    metrics.VIEWER_TABLE_SESSIONS,
    metrics.VIEWER_SPOOL_BYTES,
    metrics.VIEWER_CHECKPOINT,
)

Row = tuple[Family, Labels, float]


def _audience(broadcast: Broadcast) -> Iterable[Row]:
    label = broadcast.label
    yield metrics.VIEWER_CONCURRENT, (label,), broadcast.concurrent
    yield metrics.VIEWER_BACKGROUNDED, (label,), broadcast.backgrounded
    for state, count in list(broadcast.states.items()):
        yield metrics.VIEWER_SESSIONS, (label, state), count
    countries = sorted(list(broadcast.by_country.items()), key=lambda row: (-row[1], row[0]))
    for country, count in countries[:TOP_COUNTRIES]:
        yield metrics.VIEWER_STREAM_BY_COUNTRY, (label, country), count
    for _, count in countries[TOP_COUNTRIES:]:
        yield metrics.VIEWER_STREAM_BY_COUNTRY, (label, OTHER), count
    for (device, _), count in list(broadcast.by_device.items()):
        yield metrics.VIEWER_STREAM_BY_DEVICE, (label, device), count
    for variant, count in list(broadcast.by_variant.items()):
        yield metrics.VIEWER_STREAM_BY_VARIANT, (label, variant or "unknown"), count


def _totals(broadcast: Broadcast, now: float) -> Iterable[Row]:
    label = broadcast.label
    yield metrics.VIEWER_BROADCAST_START, (label,), broadcast.started if label != OTHER else 0
    yield metrics.VIEWER_BROADCAST_PEAK, (label,), broadcast.peak
    yield metrics.VIEWER_BROADCAST_PLAYS, (label,), broadcast.plays
    yield metrics.VIEWER_BROADCAST_WATCH, (label,), round(broadcast.watch_seconds, 3)
    for event in ("chat_message", "like", "reaction", "share"):
        yield metrics.VIEWER_BROADCAST_ENGAGEMENTS, (label, event), 0
    for event, count in list(broadcast.engagements.items()):
        yield metrics.VIEWER_BROADCAST_ENGAGEMENTS, (label, event), count
    today = broadcast.revenue_today if broadcast.revenue_day == int(now) // DAY_SECONDS else 0.0
    yield metrics.VIEWER_REVENUE_TODAY, (label,), round(today, 2)


def _platform(broadcasts: list[Broadcast], rows: dict[str, dict[Labels, float]]) -> None:
    countries, devices = (
        rows[metrics.VIEWER_CONCURRENT_BY_COUNTRY.name],
        rows[metrics.VIEWER_CONCURRENT_BY_DEVICE.name],
    )
    for broadcast in broadcasts:
        for country, count in list(broadcast.by_country.items()):
            countries[(country,)] = countries.get((country,), 0) + count
        for device, count in list(broadcast.by_device.items()):
            devices[device] = devices.get(device, 0) + count
