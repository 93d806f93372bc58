"""What history gathered in the contract's shapes and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from bridge import contract
from bridge.contract import finite, instant
from bridge.countries import country_name
from bridge.history.event_sums import EventSums
from bridge.history.gathered import Gathered, Shares
from bridge.history.series_sums import SeriesSums
from bridge.history.session_sums import SessionSums
from bridge.history.window import Window

DEVICE_NAMES = {"tv": "smart tv"}
UNKNOWN_COUNTRY = "ZZ"
UNKNOWN = "Unknown"
NEVER_SAID = ("ageGroups", "genders", "languages", "sentiment")
"""What no source reports: empty, and named in ``meta.missing``."""


def percent(part: float, whole: float) -> float:
    """Part of whole in percent, from 0 to 100; 0 of nothing."""
    return finite(min(100.0, max(0.0, 100 * part / whole))) if whole > 0 else 0


def growth(now: float, before: float) -> float:
    """Percent against before; 0 where before was nothing."""
    return finite(100 * (now - before) / before, 2) if before > 0 else 0


def span(window: Window) -> contract.Span:
    return {"start": instant(window.start.timestamp()), "end": instant(window.end.timestamp())}


def country(code: str) -> str:
    return UNKNOWN if code in ("", UNKNOWN_COUNTRY) else country_name(code)


def countries(shares: Shares) -> dict[str, float]:
    """Plays by country name."""
    return _plays({code: country(code) for code in shares}, shares)


def regions(shares: Shares) -> dict[str, float]:
    """Plays by region name; where the region is not known, by country."""
    return _plays({key: region_name(key) for key in shares}, shares)


def region_name(key: str) -> str:
    """The name of a region's key ``DE/Berlin``."""
    code, _, name = key.partition("/")
    return name or country(code)


def devices(shares: Shares) -> dict[str, float]:
    return _plays({key: DEVICE_NAMES.get(key, key) for key in shares}, shares)


def plain(shares: Shares) -> dict[str, float]:
    """Plays by key as it is; an empty key is unknown."""
    return _plays({key: key or UNKNOWN for key in shares}, shares)


def _plays(names: Mapping[str, str], shares: Shares) -> dict[str, float]:
    sums: dict[str, float] = {}
    for key, plays in sorted(shares.items(), key=lambda item: (-item[1], item[0])):
        sums[names[key]] = sums.get(names[key], 0.0) + plays
    return sums


def overview(stream: str, one: Gathered, window: Window) -> contract.StreamingMetrics:
    """A stream in a window."""
    status: Literal["live", "ended"] = "live" if one.known.live else "ended"
    started = one.known.started or window.start
    made: contract.StreamingMetrics = {
        "streamId": stream,
        "eventId": stream,
        "title": one.known.title or stream,
        "status": status,
        "startTime": instant(started.timestamp()),
        "duration": finite(one.series.publishing_seconds or _aired_seconds(one)),
        "totalViewers": one.sessions.plays,
        "peakViewers": one.peak_viewers,
        "averageViewTime": average_view(one.sessions),
        "uniqueViewers": one.uniques.viewers,
        "returningViewers": one.uniques.returning,
        "viewersByRegion": regions(one.splits.get("region", {})),
        "viewersByCountry": countries(one.splits.get("country", {})),
        "averageBitrate": bitrate(one.sessions, one.series),
        "qualityDistribution": plain(one.splits.get("variant", {})),
        "bufferingEvents": one.sessions.rebuffers,
        "averageLatency": finite((one.series.mean("edge_ttfb") or 0) * 1000),
        "chatMessages": one.events.chat,
        "chatParticipants": one.chatters,
        "peakConcurrentChat": one.chat_peak,
        "averageEngagementRate": percent(one.sessions.engaged, one.sessions.sessions),
        "deviceTypes": devices(one.splits.get("device", {})),
        "browsers": plain(one.splits.get("browser", {})),
        "operatingSystems": plain(one.splits.get("os", {})),
    }
    if status == "ended" and one.known.ended:
        made["endTime"] = instant(one.known.ended.timestamp())
    return made


def average_view(sums: SessionSums) -> float:
    """Watch seconds by play."""
    return finite(sums.watch_seconds / sums.plays) if sums.plays else 0


def bitrate(sums: SessionSums, series: SeriesSums) -> float:
    """Mean of what viewers watched, else of what was published; kbit/s."""
    if sums.byte_seconds:
        return finite(sums.bytes / sums.byte_seconds * 8 / 1000)
    return finite(series.ingest_bytes / series.minutes / 60 * 8 / 1000) if series.minutes else 0


def average_viewers(series: SeriesSums) -> float:
    return finite(series.viewer_minutes / series.minutes) if series.minutes else 0


def buffering_ratio(sums: SessionSums) -> float:
    """Stalled time of all time spent playing or stalled, percent."""
    return percent(sums.rebuffer_seconds, sums.rebuffer_seconds + sums.watch_seconds)


def revenue(events: EventSums) -> contract.Revenue:
    gifts, chats = events.event("donation"), events.event("super_chat")
    subscriptions, tips = events.event("subscription"), events.event("tip")
    kinds = {detail.lower(): one.events for detail, one in events.details("subscription").items()}
    renewals = sum(kinds.get(name, 0) for name in ("renewal", "renew", "resub"))
    cancellations = sum(kinds.get(name, 0) for name in ("cancellation", "cancel", "cancelled"))
    return {
        "totalRevenue": finite(events.revenue, 2),
        "donations": {
            "total": finite(gifts.amount, 2),
            "count": gifts.events,
            "averageAmount": finite(gifts.amount / gifts.events, 2) if gifts.events else 0,
            "topDonation": finite(gifts.top_amount, 2),
        },
        "superChats": {
            "total": finite(chats.amount, 2),
            "count": chats.events,
            "averageAmount": finite(chats.amount / chats.events, 2) if chats.events else 0,
        },
        "subscriptions": {
            "total": finite(subscriptions.amount, 2),
            "newSubs": subscriptions.events - renewals - cancellations,
            "renewals": renewals,
            "cancellations": cancellations,
        },
        "tips": {"total": finite(tips.amount, 2), "count": tips.events},
    }


def performance(one: Gathered) -> contract.Performance:
    """How well it was published and played.

    Stability is the share of published time without a stale playlist, less 5 for each reconnect an hour; satisfaction
    is the share of watch time without stalls, less 10 for each second that starting took beyond 2.
    """
    hours = max(one.series.publishing_seconds / 3600, 1 / 60)
    fresh = 100 - percent(one.series.stale_seconds, one.series.publishing_seconds)
    stability = max(0.0, fresh - 5 * one.series.reconnects / hours)
    startup = one.sessions.startup_seconds / one.sessions.startups if one.sessions.startups else 0.0
    buffering = buffering_ratio(one.sessions)
    satisfaction = max(0.0, 100 - buffering - 10 * max(0.0, startup - 2)) if one.sessions.plays else 0.0
    return {
        "technicalMetrics": {
            "averageBitrate": bitrate(one.sessions, one.series),
            "frameDrops": round(one.series.dropped_frames),
            "reconnections": round(one.series.reconnects),
            "averageLatency": finite((one.series.mean("edge_ttfb") or 0) * 1000),
            "bufferingRatio": buffering,
        },
        "qualityMetrics": {
            "streamHealth": _health(min(stability, 100 - buffering)),
            "stabilityScore": finite(stability, 1),
            "viewerSatisfaction": finite(satisfaction, 1),
        },
    }


def _health(score: float) -> Literal["excellent", "good", "fair", "poor"]:
    if score >= 99:
        return "excellent"
    if score >= 95:
        return "good"
    return "fair" if score >= 85 else "poor"


def _aired_seconds(one: Gathered) -> float:
    if one.known.started is None or one.known.ended is None:
        return 0.0
    return max(0.0, (one.known.ended - one.known.started).total_seconds())
