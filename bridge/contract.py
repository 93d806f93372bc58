"""The wire types of the API: every JSON shape the bridge serves or takes, and nothing else.

OpenAPI and the TypeScript types are generated from these. Imports nothing of ours. Texts in ``Annotated`` are the
documented meaning; ``Instant`` is ISO 8601 UTC with ``Z``; units are in the text where the name does not tell.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

Instant = Annotated[str, "an instant, ISO 8601 UTC with Z", {"format": "date-time"}]
Count = Annotated[int, "a count", {"minimum": 0}]
Percent = Annotated[float, "percent", {"minimum": 0, "maximum": 100}]
Amount = Annotated[float, "in the platform's currency"]
Shares = Annotated[dict[str, float], "count by name"]


def instant(unix_seconds: float) -> str:
    """Unix seconds as the contract writes instants, to the millisecond."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def finite(value: float | None, digits: int = 3) -> float:
    """A number that JSON can carry: missing, NaN and infinite become 0; whole numbers stay whole."""
    if value is None or not math.isfinite(value):
        return 0
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


# General


class Meta(TypedDict):
    """What is true about the numbers of this answer."""

    asOf: Annotated[str, "when the numbers were taken", {"format": "date-time"}]
    ageSeconds: Annotated[float, "how old they are", {"minimum": 0}]
    stale: Annotated[bool, "the source does not answer; these are the last known numbers"]
    missing: Annotated[list[str], "sources that say nothing now; their numbers are 0"]
    mock: NotRequired[Annotated[bool, "the numbers are simulated"]]


class FieldProblem(TypedDict):
    """One bad field of a body."""

    field: str
    detail: str


class ProblemDetails(TypedDict):
    """An error, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    requestId: str
    parameter: NotRequired[Annotated[str, "the bad parameter of a 400"]]
    reason: NotRequired[Annotated[str, "why a token was refused, of a 401"]]
    errors: NotRequired[Annotated[list[FieldProblem], "every bad field, of a 422"]]


class Version(TypedDict):
    """Which build answers."""

    name: str
    version: str
    revision: str


class Dependency(TypedDict):
    """One thing the bridge needs."""

    ready: bool
    detail: str


class Readiness(TypedDict):
    """Whether this bridge can serve, and each of its dependencies."""

    ready: bool
    draining: bool
    dependencies: dict[str, Dependency]


# Live numbers


class ViewersPoint(TypedDict):
    timestamp: Instant
    viewers: Count


class ChatPoint(TypedDict):
    timestamp: Instant
    messages: Count


class TimelinePoint(TypedDict):
    timestamp: Instant
    viewers: Count
    chatActivity: Count


class RealTimeAnalytics(TypedDict):
    """A stream now, with the recent course of viewers and chat (same timestamps in both series)."""

    streamId: str
    currentViewers: Annotated[int, "sessions now watching, starting, or rebuffering up to 5 min", {"minimum": 0}]
    viewersOverTime: list[ViewersPoint]
    chatActivity: list[ChatPoint]
    geographicDistribution: Annotated[dict[str, int], "country name to current viewers, top 20 and Other"]
    qualityDistribution: Annotated[dict[str, int], "rendition to current viewers"]
    deviceDistribution: Annotated[dict[str, int], "device to current viewers"]
    peakViewers: Annotated[int, "most concurrent viewers since the stream started", {"minimum": 0}]
    totalViews: Annotated[int, "sessions that showed a first frame since the stream started", {"minimum": 0}]
    avgViewDuration: Annotated[float, "watch seconds by play", {"minimum": 0}]
    bandwidth: Annotated[float, "delivered at the edge, last minute, kbit/s", {"minimum": 0}]
    latency: Annotated[float, "mean edge time to first byte, last minute, ms", {"minimum": 0}]
    liveLatency: Annotated[float, "median distance behind live, seconds", {"minimum": 0}]
    errorRate: Annotated[float, "failed edge requests, last minute, percent", {"minimum": 0, "maximum": 100}]
    errors: Annotated[int, "failed edge requests of 10 000, last minute", {"minimum": 0, "maximum": 10000}]
    quality: Annotated[float, "watch time not stalled, last 5 min, percent", {"minimum": 0, "maximum": 100}]
    buffering: Annotated[float, "watch time stalled, last 5 min, percent", {"minimum": 0, "maximum": 100}]
    uptime: Annotated[float, "time published and fresh since the start, percent", {"minimum": 0, "maximum": 100}]
    startupTime: Annotated[float, "median time to first frame, seconds", {"minimum": 0}]
    chatMessages: Count
    likes: Count
    reactions: Count
    shares: Count
    viewerTimeline: list[TimelinePoint]
    lastUpdated: Instant
    meta: NotRequired[Meta]


class EventMetrics(TypedDict):
    """The numbers of one stream now."""

    eventId: str
    currentViewers: Count
    peakViewers: Count
    totalViews: Count
    avgViewDuration: Annotated[float, "watch seconds by play", {"minimum": 0}]
    chatMessages: Count
    likes: Count
    shares: Count
    bandwidth: Annotated[float, "kbit/s", {"minimum": 0}]
    quality: Percent
    buffering: Percent
    errors: Annotated[int, "failed edge requests of 10 000", {"minimum": 0, "maximum": 10000}]
    meta: NotRequired[Meta]


class StreamingMetrics(TypedDict):
    """A stream over its whole time."""

    streamId: str
    eventId: str
    title: str
    status: Literal["live", "ended", "starting", "error"]
    startTime: Instant
    endTime: NotRequired[Instant]
    duration: Annotated[float, "seconds", {"minimum": 0}]
    totalViewers: Count
    peakViewers: Count
    averageViewTime: Annotated[float, "seconds", {"minimum": 0}]
    uniqueViewers: Count
    returningViewers: Count
    viewersByRegion: Shares
    viewersByCountry: Shares
    averageBitrate: Annotated[float, "kbit/s", {"minimum": 0}]
    qualityDistribution: Shares
    bufferingEvents: Count
    averageLatency: Annotated[float, "ms", {"minimum": 0}]
    chatMessages: Count
    chatParticipants: Count
    peakConcurrentChat: Count
    averageEngagementRate: Percent
    deviceTypes: Shares
    browsers: Shares
    operatingSystems: Shares
    meta: NotRequired[Meta]


class PlatformNumbers(TypedDict):
    """The platform, or a tenant's part of it, now."""

    totalViewers: Count
    activeStreams: Annotated[int, "streams now publishing", {"minimum": 0}]
    revenueToday: Annotated[float, "revenue since 00:00 UTC, in the platform's currency"]
    avgEngagement: Annotated[float, "sessions with an engagement event, last hour, percent", {"minimum": 0}]
    errorRate: Annotated[float, "failed edge requests, last minute, percent", {"minimum": 0, "maximum": 100}]
    serverLoad: Annotated[float, "media hosts' CPU use, percent", {"minimum": 0, "maximum": 100}]


class StreamNumbers(TypedDict):
    """One stream now, as the metrics socket sends it."""

    currentViewers: Count
    peakViewers: Count
    totalViews: Count
    avgViewDuration: float
    chatMessages: Count
    bandwidth: float
    quality: float
    buffering: float
    errors: int
    latency: float
    liveLatency: float
    errorRate: float
    uptime: float
    likes: Count
    reactions: Count
    shares: Count
    startupTime: float


class AnalyticsMessage(TypedDict):
    """What ``/api/ws/analytics/realtime`` sends."""

    type: Literal["analytics"]
    ts: Instant
    seq: int
    data: PlatformNumbers
    meta: NotRequired[Meta]


class MetricsMessage(TypedDict):
    """What ``/api/ws/streams/{streamId}/metrics`` sends, and subscriptions on the realtime socket."""

    type: Literal["metrics"]
    streamId: str
    ts: Instant
    seq: int
    data: StreamNumbers
    meta: NotRequired[Meta]


class ContainerMessage(TypedDict):
    """What a container socket sends."""

    type: Literal["container_status", "viewer_count", "stream_health"]
    container_id: str
    payload: dict[str, Any]


class ClientMessage(TypedDict):
    """What a client may send on any socket."""

    type: Literal["ping", "heartbeat", "subscribe", "unsubscribe"]
    streamIds: NotRequired[list[str]]


# Streams


class StreamEvent(TypedDict):
    """A stream as it is planned, published and remembered."""

    id: str
    title: str
    description: NotRequired[str]
    status: Literal["scheduled", "live", "ended", "cancelled"]
    stream_key: NotRequired[Annotated[str, "secret: only for the stream's owner, an operator or an admin"]]
    stream_url: NotRequired[str]
    playback_url: NotRequired[str]
    scheduled_start: NotRequired[Instant]
    actual_start: NotRequired[Instant]
    actual_end: NotRequired[Instant]
    viewer_count: Count
    peak_viewers: Count
    total_views: Count
    created_at: Instant
    updated_at: Instant
    thumbnail_url: NotRequired[str]
    tags: list[str]
    category: NotRequired[str]
    privacy: Literal["public", "unlisted", "private"]
    chat_enabled: bool
    recording_enabled: bool
    donations_enabled: bool
    slug: str
    tenant_id: str
    user_id: str
    channel_id: str


class StreamRequest(TypedDict, total=False):
    """A stream to create or change; camelCase twins of the names are taken too, other members are left alone."""

    id: Annotated[
        str, "the public id, when creating; random when absent", {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"}
    ]
    channel_id: Annotated[str, "the channel, when creating; the owner's when absent", {"maxLength": 64}]
    status: Annotated[Literal["scheduled", "live", "ended", "cancelled"], "cancelled cancels a scheduled stream"]
    thumbnail_url: Annotated[str, "an http or https URL", {"maxLength": 2000}]
    title: Annotated[str, "", {"minLength": 1, "maxLength": 200}]
    description: Annotated[str, "", {"maxLength": 5000}]
    scheduled_start: Instant
    tags: list[str]
    category: str
    privacy: Literal["public", "unlisted", "private"]
    chat_enabled: bool
    recording_enabled: bool
    donations_enabled: bool


class StreamStarted(TypedDict):
    status: str
    stream_url: str
    playback_url: str


class StreamStopped(TypedDict):
    status: str


class StreamingHealth(TypedDict):
    """Whether a stream is on air, and how it is published."""

    status: Literal["online", "offline"]
    viewers: Count
    bitrate: Annotated[float, "kbit/s", {"minimum": 0}]
    fps: Annotated[float, "frames a second", {"minimum": 0}]
    uptime: Annotated[float, "seconds since the publish began", {"minimum": 0}]


class StreamingViewers(TypedDict):
    current: Count
    peak: Count
    total: Count


class StreamingStarted(TypedDict):
    """A stream that was started, and where it is published and played."""

    streamId: str
    status: str
    streamUrl: str
    playbackUrl: str


class ViewerStats(TypedDict):
    peak: Count
    total: Count


class StreamingStopped(TypedDict):
    """A stream that was stopped, and what it came to."""

    streamId: str
    status: str
    duration: Annotated[int, "seconds", {"minimum": 0}]
    viewerStats: ViewerStats
    recordingUrl: NotRequired[str]


# Containers


class ContainerResources(TypedDict):
    cpu: str
    memory: str
    instance_type: str


class RtmpEndpoint(TypedDict):
    type: str
    url: str
    latency: str
    description: str


class HlsEndpoint(TypedDict):
    type: str
    url: str
    cdn_enabled: bool
    description: str


class QualitySettings(TypedDict, total=False):
    resolution: str
    bitrate: Annotated[int, "kbit/s", {"minimum": 1}]
    fps: Annotated[int, "frames a second", {"minimum": 1}]


class LaunchRequest(TypedDict, total=False):
    """What a media server is launched for."""

    expected_viewers: Count
    audience_regions: list[str]
    recording_enabled: bool
    quality_settings: QualitySettings


class LaunchResponse(TypedDict):
    container_id: str
    status: str
    resources: ContainerResources
    rtmp_endpoints: list[RtmpEndpoint]
    hls_endpoints: list[HlsEndpoint]
    estimated_cost: Annotated[str, "such as $1.20"]
    message: str


class ContainerStopped(TypedDict):
    container_id: str
    status: str
    duration: str
    estimated_cost: str
    message: str


class ContainerMetrics(TypedDict):
    cpu_usage: str
    memory_usage: str
    network_in: str
    network_out: str
    active_connections: str


class ContainerStatus(TypedDict):
    container_id: str
    status: Literal["starting", "running", "stopping", "stopped", "error"]
    health: Literal["healthy", "degraded", "unhealthy"]
    uptime: Annotated[str, "HH:MM:SS"]
    metrics: ContainerMetrics


class LogLine(TypedDict):
    timestamp: str
    message: str


class ContainerLogs(TypedDict):
    container_id: str
    logs: list[LogLine]


# Alerts


class AnalyticsAlert(TypedDict):
    id: str
    type: str
    title: str
    message: str
    timestamp: Instant
    acknowledged: bool
    severity: str
    data: dict[str, Any]
    status: NotRequired[Annotated[Literal["open", "closed"], "closed once the alert is over"]]
    streamId: NotRequired[str]
    closedAt: NotRequired[Instant]
    acknowledgedAt: NotRequired[Instant]
