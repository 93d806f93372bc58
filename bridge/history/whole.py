"""All scopes of a selection together: sums, against the period before, and what small answers say of them."""

from __future__ import annotations

from typing import Any

from bridge import contract
from bridge.contract import finite
from bridge.database import Connection
from bridge.history import event_sums, series_sums, session_sums, shapes, trends, uniques
from bridge.history.gathered import Gathered, streams_published
from bridge.history.selection import Selection
from bridge.history.series_sums import SeriesSums
from bridge.history.shapes import growth
from bridge.history.window import Window


def whole(connection: Connection, selection: Selection, window: Window) -> Gathered:
    """Sums over all scopes, without splits."""
    made = Gathered()
    for sums in session_sums.totals(connection, selection, window).values():
        made.sessions.add(sums)
    for series in series_sums.totals(connection, selection.scopes, window).values():
        made.series.add(series)
    for events in event_sums.totals(connection, selection.scopes, window).values():
        for key, one in events.of.items():
            made.events.add(key, one)
    made.uniques = uniques.together(connection, selection.scopes, window)
    return made


def summary(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """AnalyticsSummary without ``meta``."""
    now, before = whole(connection, selection, window), whole(connection, selection, window.previous())
    return {
        "period": shapes.span(window),
        "totalStreams": streams_published(connection, selection, window),
        "totalHoursStreamed": finite(now.series.publishing_seconds / 3600, 2),
        "totalViews": now.sessions.plays,
        "totalViewers": now.sessions.plays,
        "uniqueViewers": now.uniques.viewers,
        "returningViewers": now.uniques.returning,
        "peakViewers": peak(connection, selection, window, now.series),
        "averageViewers": shapes.average_viewers(now.series),
        "totalWatchTime": finite(now.sessions.watch_seconds),
        "averageViewTime": shapes.average_view(now.sessions),
        "chatMessages": now.events.chat,
        "likes": now.events.event("like").events,
        "reactions": now.events.event("reaction").events,
        "shares": now.events.event("share").events,
        "followers": now.events.event("follow").events,
        "totalRevenue": finite(now.events.revenue, 2),
        "averageEngagement": shapes.percent(now.sessions.engaged, now.sessions.sessions),
        "bufferingRatio": shapes.buffering_ratio(now.sessions),
        "growth": grown(now, before),
    }


def aggregated(connection: Connection, selection: Selection, window: Window) -> contract.Aggregated:
    """The sums of HistoricalAnalytics."""
    now, before = whole(connection, selection, window), whole(connection, selection, window.previous())
    more = grown(now, before)
    return {
        "totalStreams": streams_published(connection, selection, window),
        "totalHoursStreamed": finite(now.series.publishing_seconds / 3600, 2),
        "totalViews": now.sessions.plays,
        "totalViewers": now.sessions.plays,
        "uniqueViewers": now.uniques.viewers,
        "peakViewers": peak(connection, selection, window, now.series),
        "averageViewers": shapes.average_viewers(now.series),
        "averageViewTime": shapes.average_view(now.sessions),
        "chatMessages": now.events.chat,
        "totalRevenue": finite(now.events.revenue, 2),
        "viewerGrowth": more["viewers"],
        "engagementGrowth": more["engagement"],
        "growthRate": more["views"],
    }


def overview(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """Overview without ``meta``."""
    one = whole(connection, selection, window)
    return {
        "total_revenue": finite(one.events.revenue, 2),
        "total_views": one.sessions.plays,
        "total_streams": streams_published(connection, selection, window),
        "avg_watch_time": shapes.average_view(one.sessions),
        "unique_viewers": one.uniques.viewers,
        "peak_viewers": peak(connection, selection, window, one.series),
    }


def viewership(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """Viewership without ``meta``."""
    days: list[contract.ViewershipDay] = [
        {
            "date": one.day.isoformat(),
            "views": one.sessions.plays,
            "viewers": one.sessions.plays,
            "unique_viewers": one.unique_viewers,
            "watch_time": finite(one.sessions.watch_seconds),
            "peak_viewers": round(one.series.viewers_peak),
        }
        for one in trends.days(connection, selection, window)
    ]
    return {"days": days}


def performance(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """PerformanceSummary without ``meta``."""
    one = whole(connection, selection, window)
    sums, series = one.sessions, one.series
    stale = shapes.percent(series.stale_seconds, series.publishing_seconds)
    return {
        "average_bitrate": shapes.bitrate(sums, series),
        "average_latency": finite((series.mean("edge_ttfb") or 0) * 1000),
        "buffering_ratio": shapes.buffering_ratio(sums),
        "error_rate": min(100, finite((series.mean("edge_error") or 0) * 100)),
        "startup_time": finite(sums.startup_seconds / sums.startups) if sums.startups else 0,
        "live_latency": finite(sums.latency_seconds / sums.latencies) if sums.latencies else 0,
        "dropped_frames": round(series.dropped_frames),
        "reconnections": round(series.reconnects),
        "uptime": finite(100 - stale) if series.publishing_seconds else 0,
    }


def revenue(connection: Connection, selection: Selection, window: Window, currency: str) -> dict[str, Any]:
    """RevenueBreakdown without ``meta``."""
    by_day = event_sums.by_day(connection, selection.scopes, window)
    events = whole(connection, selection, window).events
    days: list[contract.RevenueDay] = [
        {"date": day.isoformat(), "revenue": finite(by_day[day].revenue if day in by_day else 0, 2)}
        for day in window.local_days()
    ]
    return {
        "total_revenue": finite(events.revenue, 2),
        "currency": currency,
        "donations": finite(events.event("donation").amount, 2),
        "super_chats": finite(events.event("super_chat").amount, 2),
        "subscriptions": finite(events.event("subscription").amount, 2),
        "tips": finite(events.event("tip").amount, 2),
        "days": days,
    }


def peak(connection: Connection, selection: Selection, window: Window, sums: SeriesSums) -> int:
    return round(series_sums.peak_of_sum(connection, selection.scopes, window, sums))


def grown(now: Gathered, before: Gathered) -> contract.Growth:
    return {
        "views": growth(now.sessions.plays, before.sessions.plays),
        "viewers": growth(now.uniques.viewers, before.uniques.viewers),
        "watchTime": growth(now.sessions.watch_seconds, before.sessions.watch_seconds),
        "engagement": growth(
            shapes.percent(now.sessions.engaged, now.sessions.sessions),
            shapes.percent(before.sessions.engaged, before.sessions.sessions),
        ),
        "revenue": growth(now.events.revenue, before.events.revenue),
    }
