"""Streams in a window, comprehensively: overview, revenue, chat, audience, performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge import contract
from bridge.contract import finite, instant
from bridge.database import Connection
from bridge.history import event_sums, series_sums, shapes
from bridge.history.gathered import Gathered
from bridge.history.window import DAY, Window

TOP_EMOTES = 20
MODERATION = {
    "timeouts": ("timeout",),
    "bans": ("ban",),
    "deletedMessages": ("delete_message", "message_deleted", "deleted_message"),
}


def comprehensive(
    connection: Connection, numbers: Mapping[str, Gathered], window: Window
) -> list[contract.ComprehensiveAnalytics]:
    """Everything but the present of each stream; reads what only single streams have."""
    streams = list(numbers)
    chatters = event_sums.top_chatters(connection, streams, window)
    hours = series_sums.viewers_by_hour_of_day(connection, streams, window)
    drops = series_sums.drops(connection, {stream: _last_day(one, window) for stream, one in numbers.items()})
    return [
        {
            "streamId": stream,
            "period": shapes.span(window),
            "overview": shapes.overview(stream, one, window),
            "revenue": shapes.revenue(one.events),
            "chat": _chat(one, chatters.get(stream, [])),
            "audience": _audience(one, hours.get(stream, {}), drops.get(stream, [])),
            "performance": shapes.performance(one),
        }
        for stream, one in numbers.items()
    ]


def _chat(one: Gathered, chatters: Sequence[tuple[str, str, int]]) -> contract.Chat:
    minutes = one.series.minutes or 1
    emotes = sorted(one.events.details("reaction").items(), key=lambda item: (-item[1].events, item[0]))
    others = {detail.lower(): some.events for detail, some in one.events.details("other").items()}
    return {
        "totalMessages": one.events.chat,
        "messagesPerMinute": finite(one.events.chat / minutes),
        "activeUsers": one.chatters,
        "topChatters": [
            {"username": name or user, "messageCount": messages, "userId": user} for user, name, messages in chatters
        ],
        "emotesUsed": [{"emote": name, "count": some.events} for name, some in emotes[:TOP_EMOTES] if name],
        "sentiment": {"positive": 0, "neutral": 0, "negative": 0},
        "moderationActions": {
            "timeouts": _of(others, "timeouts"),
            "bans": _of(others, "bans"),
            "deletedMessages": _of(others, "deletedMessages"),
        },
    }


def _of(others: dict[str, int], action: str) -> int:
    return sum(others.get(name, 0) for name in MODERATION[action])


def _last_day(one: Gathered, window: Window) -> Window:
    """Viewers leave during a broadcast, so the last day on air is looked at, not the whole period."""
    end = max(window.start, min(window.end, one.known.ended or window.end))
    return Window.of(max(window.start, end - DAY), end, window.zone)


def _audience(
    one: Gathered, hours: Mapping[int, float], drops: Sequence[tuple[datetime, float]]
) -> contract.AudienceDetail:
    sums = one.sessions
    return {
        "demographics": {
            "ageGroups": {},
            "genders": {},
            "countries": shapes.countries(one.splits.get("country", {})),
            "languages": {},
        },
        "behavior": {
            "averageSessionLength": shapes.average_view(sums),
            "returnViewerRate": shapes.percent(one.uniques.returning, one.uniques.viewers),
            "peakViewingHours": [
                {"hour": hour, "viewers": finite(viewers)}
                for hour, viewers in sorted(hours.items(), key=lambda item: (-item[1], item[0]))
            ],
            "dropOffPoints": [{"timestamp": instant(at.timestamp()), "percentage": finite(lost)} for at, lost in drops],
        },
        "engagement": {
            "chatParticipationRate": shapes.percent(sums.chatting, sums.sessions),
            "followConversionRate": shapes.percent(sums.following, sums.sessions),
            "subscriptionConversionRate": shapes.percent(sums.subscribing, sums.sessions),
        },
    }
