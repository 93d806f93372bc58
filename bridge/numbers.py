"""The definition table in code: each number of the contract from the recorded series, in the contract's units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bridge import contract
from bridge.contract import finite
from bridge.countries import country_name
from bridge.snapshot import Snapshot, StreamState
from prometheus import queries
from prometheus.queries import Query

TOP_COUNTRIES = 20
CHAT = "chat_message"
OTHER, UNKNOWN = "Other", "Unknown"
DEVICES: Mapping[str, str] = {"tv": "smart tv"}


def count(value: float | None) -> int:
    return max(0, round(finite(value)))


def percent(ratio: float | None) -> float:
    return min(100, max(0, finite(None if ratio is None else ratio * 100)))


def kilobits(bytes_per_second: float | None) -> float:
    return finite(None if bytes_per_second is None else max(0.0, bytes_per_second) * 8 / 1000)


def milliseconds(seconds: float | None) -> float:
    return finite(None if seconds is None else max(0.0, seconds) * 1000)


def seconds(value: float | None) -> float:
    return finite(None if value is None else max(0.0, value))


def live_latency(state: StreamState) -> float | None:
    """What players report, else the playlist's live edge; seconds."""
    reported = state.value(queries.LIVE_LATENCY_P50)
    return state.value(queries.LIVE_EDGE_LATENCY) if reported is None else reported


def smooth(state: StreamState) -> tuple[float, float]:
    """Percent of watch time (not stalled, stalled); where nobody reports watching, nothing is claimed."""
    if "viewers" in state.missing:
        return 0, 0
    stalled = percent(state.value(queries.STALL_RATIO))
    return finite(100 - stalled), stalled


def stream_numbers(state: StreamState) -> contract.StreamNumbers:
    """Every number of one stream."""
    now = count(state.value(queries.VIEWERS))
    events = state.split(queries.ENGAGEMENTS)
    error_ratio = state.value(queries.EDGE_ERROR_RATIO)
    quality, buffering = smooth(state)
    return {
        "currentViewers": now,
        "peakViewers": max(now, count(state.value(queries.PEAK_VIEWERS))),
        "totalViews": count(state.value(queries.PLAYS)),
        "avgViewDuration": seconds(state.value(queries.AVERAGE_VIEW)),
        "chatMessages": count(events.get(CHAT)),
        "bandwidth": kilobits(state.value(queries.EDGE_BYTES)),
        "quality": quality,
        "buffering": buffering,
        "errors": min(10_000, count(None if error_ratio is None else error_ratio * 10_000)),
        "latency": milliseconds(state.value(queries.EDGE_TTFB)),
        "liveLatency": seconds(live_latency(state)),
        "errorRate": percent(error_ratio),
        "uptime": percent(state.value(queries.STREAM_AVAILABLE)),
        "likes": count(events.get("like")),
        "reactions": count(events.get("reaction")),
        "shares": count(events.get("share")),
        "startupTime": seconds(state.value(queries.STARTUP_P50)),
    }


def countries(state: StreamState) -> dict[str, int]:
    """Country name to viewers: the top 20, the rest as Other, the unplaced as Unknown."""
    named: dict[str, float] = {}
    for code, viewers in state.split(queries.VIEWERS_BY_COUNTRY).items():
        name = OTHER if code == "_other" else UNKNOWN if code in ("ZZ", "") else country_name(code)
        named[name] = named.get(name, 0) + viewers
    rest = named.pop(OTHER, 0)
    ranked = sorted(named.items(), key=lambda item: (-item[1], item[0]))
    rest += sum(viewers for _, viewers in ranked[TOP_COUNTRIES:])
    shares = {name: count(viewers) for name, viewers in ranked[:TOP_COUNTRIES] if count(viewers)}
    return {**shares, OTHER: count(rest)} if count(rest) else shares


def split_counts(state: StreamState, query: Query, rename: Mapping[str, str] | None = None) -> dict[str, int]:
    """Counts by the query's second label, without zeros."""
    names = rename or {}
    return {names.get(part, part).replace("_other", "other"): count(n) for part, n in state.split(query).items() if n}


def real_time(state: StreamState, timeline: list[contract.TimelinePoint], taken: float) -> contract.RealTimeAnalytics:
    """A stream now, with its recent course; ``meta`` is added when it is sent."""
    return {
        **stream_numbers(state),  # type: ignore[typeddict-item]  # it has no meta
        "streamId": state.stream,
        "viewersOverTime": [{"timestamp": one["timestamp"], "viewers": one["viewers"]} for one in timeline],
        "chatActivity": [{"timestamp": one["timestamp"], "messages": one["chatActivity"]} for one in timeline],
        "geographicDistribution": countries(state),
        "qualityDistribution": split_counts(state, queries.VIEWERS_BY_VARIANT),
        "deviceDistribution": split_counts(state, queries.VIEWERS_BY_DEVICE, DEVICES),
        "viewerTimeline": timeline,
        "lastUpdated": contract.instant(taken),
    }


def event_metrics(state: StreamState) -> contract.EventMetrics:
    """The numbers of one stream, as the shipped client asks for them; ``meta`` is added when it is sent."""
    numbers = stream_numbers(state)
    return {
        "eventId": state.stream,
        "currentViewers": numbers["currentViewers"],
        "peakViewers": numbers["peakViewers"],
        "totalViews": numbers["totalViews"],
        "avgViewDuration": numbers["avgViewDuration"],
        "chatMessages": numbers["chatMessages"],
        "likes": numbers["likes"],
        "shares": numbers["shares"],
        "bandwidth": numbers["bandwidth"],
        "quality": numbers["quality"],
        "buffering": numbers["buffering"],
        "errors": numbers["errors"],
    }


def platform_numbers(snapshot: Snapshot, sees: Callable[[str], bool] | None) -> contract.PlatformNumbers:
    """The platform's numbers, or of the streams that ``sees`` admits."""
    if sees is None:
        states: Iterable[StreamState] = snapshot.streams.values()
        errors = snapshot.platform(queries.CLUSTER_ERROR_RATIO)
        engaged = snapshot.platform(queries.CLUSTER_ENGAGED_RATIO)
    else:
        states = [state for stream, state in snapshot.streams.items() if sees(stream)]
        errors = _ratio(states, queries.EDGE_FAILED, queries.EDGE_REQUESTS)
        engaged = _ratio(states, queries.ENGAGED_SESSIONS, queries.SESSION_STARTS)
    states = list(states)
    return {
        "totalViewers": count(total(states, queries.VIEWERS)),
        "activeStreams": sum(state.publishing for state in states),
        "revenueToday": finite(total(states, queries.REVENUE_TODAY), 2),
        "avgEngagement": percent(engaged),
        "errorRate": percent(errors),
        "serverLoad": percent(snapshot.platform(queries.HOST_CPU)),
    }


def total(states: Iterable[StreamState], query: Query) -> float:
    """The sum of a query over streams; what is not said adds nothing."""
    return sum(state.value(query) or 0.0 for state in states)


def _ratio(states: Iterable[StreamState], part: Query, whole: Query) -> float | None:
    states = list(states)
    divisor = total(states, whole)
    return total(states, part) / divisor if divisor > 0 else None
