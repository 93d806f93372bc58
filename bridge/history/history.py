"""What history answers, in the contract's shapes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from bridge import contract
from bridge.contract import finite, instant
from bridge.database import Connection, Database
from bridge.history import distributions, event_sums, goals, listing, series_sums, shapes, trends, whole
from bridge.history.backfill import watermark
from bridge.history.comprehensive import comprehensive
from bridge.history.gathered import best_streams, gather, newest_streams
from bridge.history.selection import Selection
from bridge.history.shapes import NEVER_SAID
from bridge.history.window import Window
from prometheus.objectives import HISTORY_LAG_SECONDS

MISSING_UNDER_FILTER = ("browsers", "operatingSystems", "cities", "uniqueViewers")
"""What roll-ups cannot tell of filtered sessions: empty, or of all sessions."""
Read = Callable[[Connection, Selection, Window], dict[str, Any]]


class History:
    """Reads history. Methods raise DatabaseUnavailableError while the database is away."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def is_known(self, stream: str) -> bool:
        """Whether history has ever recorded this stream."""
        return self._database.row("SELECT 1 FROM recorded_streams WHERE stream = %s", (stream,)) is not None

    def streams_of_channel(self, channel: str, tenant: str | None) -> tuple[str, ...]:
        """The streams of a channel, of this tenant (None: of any)."""
        rows = self._database.rows(
            "SELECT id FROM streams WHERE channel_id = %(channel)s"
            " AND (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s) ORDER BY id",
            {"channel": channel, "tenant": tenant},
        )
        return tuple(stream for (stream,) in rows)

    def last_aired(self, stream: str) -> tuple[datetime, datetime] | None:
        """When the stream was last on air: from its last broadcast's start, else a day before its last minute."""
        row = self._database.row(
            "SELECT (SELECT max(started) FROM broadcasts WHERE stream = recorded.stream), last_at"
            " FROM recorded_streams recorded WHERE stream = %s",
            (stream,),
        )
        if row is None:
            return None
        started, last = row
        return min(started or last - timedelta(days=1), last), last

    def comprehensive(self, stream: str, selection: Selection, window: Window) -> contract.ComprehensiveAnalytics:
        """One stream in a window, without the present."""
        with self._database.connection() as connection:
            (made,) = comprehensive(connection, gather(connection, selection.of(stream), window), window)
            made["meta"] = self._meta(connection, _missing(selection))
            return made

    def historical(
        self, selection: Selection, window: Window, offset: int = 0, limit: int = 10
    ) -> contract.HistoricalAnalytics:
        """Streams of a selection, newest first, all of them together, and their course by day."""
        with self._database.connection() as connection:
            on_air = newest_streams(connection, selection, window)
            shown = on_air[offset : offset + limit]
            numbers = gather(connection, Selection(tuple(shown), selection.filter), window)
            return {
                "period": shapes.span(window),
                "streams": comprehensive(connection, numbers, window),
                "total": len(on_air),
                "hasMore": offset + limit < len(on_air),
                "aggregated": whole.aggregated(connection, selection, window),
                "trends": trends.trends(trends.days(connection, selection, window)),
                "meta": self._meta(connection, _missing(selection)),
            }

    def sessions(self, stream: str, page: int, limit: int) -> contract.ViewerSessions:
        """A page of a stream's sessions, newest first; pages count from 1."""
        with self._database.connection() as connection:
            rows, total = listing.page(connection, stream, (page - 1) * limit, limit)
            more = page * limit < total
            return {"sessions": rows, "total": total, "hasMore": more, "meta": self._meta(connection)}

    def engagement(self, stream: str, window: Window, step_seconds: int) -> list[contract.EngagementPoint]:
        """A stream's course in steps of a whole number of minutes."""
        with self._database.connection() as connection:
            chat = event_sums.minutes_of_chat(connection, stream, window, step_seconds)
            points = {one.at: one for one in series_sums.course(connection, stream, window, step_seconds)}
        return [
            {
                "timestamp": instant(at.timestamp()),
                "viewers": finite(points[at].viewers) if at in points else 0,
                "chatMessages": chat.get(at, 0),
                "qualityChanges": round(points[at].switches) if at in points else 0,
                "bufferingEvents": round(points[at].rebuffers) if at in points else 0,
            }
            for at in sorted({*points, *chat})
        ]

    def top_streams(
        self, selection: Selection, window: Window, order: str, limit: int
    ) -> list[contract.StreamingMetrics]:
        """The best streams of a selection by viewers, engagement or duration."""
        with self._database.connection() as connection:
            best = best_streams(connection, selection, window, order, limit)
            numbers = gather(connection, Selection(tuple(best), selection.filter), window)
            return [shapes.overview(stream, numbers[stream], window) for stream in best]

    def streaming_metrics(self, stream: str, window: Window) -> contract.StreamingMetrics:
        """One stream in a window."""
        with self._database.connection() as connection:
            made = shapes.overview(stream, gather(connection, Selection((stream,)), window)[stream], window)
            made["meta"] = self._meta(connection)
            return made

    def summary(self, selection: Selection, window: Window) -> contract.AnalyticsSummary:
        """A selection in a window, against the window before."""
        return cast(contract.AnalyticsSummary, self._read(whole.summary, selection, window))

    def overview(self, selection: Selection, window: Window) -> contract.Overview:
        """The few numbers of an overview page."""
        return cast(contract.Overview, self._read(whole.overview, selection, window))

    def viewership(self, selection: Selection, window: Window) -> contract.Viewership:
        """Views by day."""
        return cast(contract.Viewership, self._read(whole.viewership, selection, window))

    def performance(self, selection: Selection, window: Window) -> contract.PerformanceSummary:
        """How well streams were published and played."""
        return cast(contract.PerformanceSummary, self._read(whole.performance, selection, window))

    def geographic(self, selection: Selection, window: Window) -> contract.Geographic:
        """Plays by country, region and city, with coordinates."""
        return cast(contract.Geographic, self._read(distributions.geographic, selection, window))

    def devices(self, selection: Selection, window: Window) -> contract.DeviceDistribution:
        """Plays by device, browser and operating system."""
        made = self._read(distributions.devices, selection, window)
        made["meta"]["missing"].append("screenResolutions")
        return cast(contract.DeviceDistribution, made)

    def audience(self, selection: Selection, window: Window) -> contract.AudienceShares:
        """Shares of plays by device, country and browser."""
        return cast(contract.AudienceShares, self._read(distributions.audience, selection, window))

    def revenue(self, selection: Selection, window: Window, currency: str) -> contract.RevenueBreakdown:
        """Revenue by kind and by day."""

        def read(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
            return whole.revenue(connection, selection, window, currency)

        return cast(contract.RevenueBreakdown, self._read(read, selection, window))

    def goals(
        self,
        tenant: str,
        channel: str,
        selection: Selection,
        window_of: Callable[[str], Window],
        changes: Mapping[str, Any] | None = None,
    ) -> contract.AnalyticsGoals:
        """A channel's goals and how far it is; with ``changes``, set them first."""
        with self._database.connection() as connection:
            if changes:
                targets = goals.save(connection, tenant, channel, changes)
            else:
                targets = goals.load(connection, tenant, channel)
            one = whole.whole(connection, selection, window_of(targets.period))
            values = goals.current(one.sessions, one.events, one.series)
            body = goals.wire(channel, targets, values)
            return cast(contract.AnalyticsGoals, {**body, "meta": self._meta(connection)})

    def _read(self, read: Read, selection: Selection, window: Window) -> dict[str, Any]:
        with self._database.connection() as connection:
            made = read(connection, selection, window)
            missing = () if selection.filter.is_empty else MISSING_UNDER_FILTER
            return {**made, "meta": self._meta(connection, missing)}

    def _meta(self, connection: Connection, missing: tuple[str, ...] = ()) -> contract.Meta:
        """How far history is recorded; further behind than the objective's first threshold is stale."""
        mark = watermark(connection) or 0
        age = max(0.0, self._clock() - mark)
        stale = age > HISTORY_LAG_SECONDS[0]
        return {"asOf": instant(mark), "ageSeconds": finite(age), "stale": stale, "missing": list(missing)}


def _missing(selection: Selection) -> tuple[str, ...]:
    return NEVER_SAID if selection.filter.is_empty else (*NEVER_SAID, *MISSING_UNDER_FILTER)
