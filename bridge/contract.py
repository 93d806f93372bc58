"""The wire types of the API: every JSON shape the bridge serves or takes, and nothing else.

OpenAPI and the TypeScript types are generated from these. Imports nothing of ours. Texts in ``Annotated`` are the
documented meaning; ``Instant`` is ISO 8601 UTC with ``Z``; units are in the text where the name does not tell.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NotRequired, Required, TypedDict

Instant = Annotated[str, "an instant, ISO 8601 UTC with Z", {"format": "date-time"}]
Count = Annotated[int, "a count", {"minimum": 0}]
Percent = Annotated[float, "percent", {"minimum": 0, "maximum": 100}]
Amount = Annotated[float, "in the platform's currency"]
Shares = Annotated[dict[str, float], "count by name"]


def instant(unix_seconds: float) -> str:
    """Unix seconds as the contract writes instants, to the millisecond."""
    return datetime.fromtimestamp(unix_seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


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


class AppEvent(TypedDict):
    """Something that happened in the app: chat_message, like, reaction, share, follow, donation, super_chat, …"""

    streamId: Annotated[str, "", {"minLength": 1, "maxLength": 128}]
    eventType: Annotated[str, "", {"minLength": 1, "maxLength": 128}]
    eventData: NotRequired[dict[str, Any]]
    timestamp: NotRequired[Annotated[str | float, "ISO 8601, or Unix milliseconds"]]
    sessionId: NotRequired[Annotated[str, "joins the event to a player's session", {"maxLength": 128}]]
    userId: NotRequired[Annotated[str, "", {"maxLength": 128}]]
    eventId: NotRequired[Annotated[str, "an event that is sent again under its id counts once", {"maxLength": 128}]]


class EventTaken(TypedDict):
    accepted: bool


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


Tag = Annotated[str, "", {"minLength": 1, "maxLength": 60, "pattern": r"\S"}]


class StreamRequest(TypedDict, total=False):
    """A stream to create or change; camelCase twins of the names are taken too, other members are left alone."""

    id: Annotated[
        str, "the public id, when creating; random when absent", {"pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"}
    ]
    channel_id: Annotated[str, "the channel, when creating; the owner's when absent", {"maxLength": 64}]
    status: Annotated[Literal["scheduled", "live", "ended", "cancelled"], "cancelled cancels a scheduled stream"]
    thumbnail_url: Annotated[str, "an http or https URL", {"maxLength": 2000}]
    title: Annotated[str, "", {"minLength": 1, "maxLength": 200, "pattern": r"\S"}]
    description: Annotated[str, "", {"maxLength": 5000}]
    scheduled_start: Instant
    tags: Annotated[list[Tag], "", {"maxItems": 30}]
    category: Annotated[str, "", {"maxLength": 100}]
    privacy: Literal["public", "unlisted", "private"]
    chat_enabled: bool
    recording_enabled: bool
    donations_enabled: bool


class StreamPlan(StreamRequest):
    """A stream to create."""

    title: Required[Annotated[str, "", {"minLength": 1, "maxLength": 200, "pattern": r"\S"}]]  # type: ignore[misc]


class StreamStarted(TypedDict):
    status: str
    stream_url: str
    playback_url: str


class StreamStopped(TypedDict):
    status: str


class StreamingHealth(TypedDict):
    """Whether a stream is on air, and how it is published; while ``meta`` misses ``rtmp``, offline means not known."""

    status: Literal["online", "offline"]
    viewers: Count
    bitrate: Annotated[float, "kbit/s", {"minimum": 0}]
    fps: Annotated[float, "frames a second", {"minimum": 0}]
    uptime: Annotated[float, "seconds since the publish began", {"minimum": 0}]
    meta: NotRequired[Meta]


class StreamingViewers(TypedDict):
    current: Count
    peak: Count
    total: Count
    meta: NotRequired[Meta]


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


# History


class ViewerSession(TypedDict):
    """One ended viewing session. The address is truncated to /24 or /48."""

    sessionId: str
    streamId: str
    userId: NotRequired[str]
    ipAddress: str
    userAgent: str
    joinTime: Instant
    leaveTime: Instant
    watchTime: Annotated[float, "seconds", {"minimum": 0}]
    country: str
    region: str
    city: str
    device: str
    browser: str
    os: str
    quality: str
    bufferingEvents: Count
    chatMessages: Count


class ViewerSessions(TypedDict):
    """A page of sessions, newest first."""

    sessions: list[ViewerSession]
    total: Count
    hasMore: bool
    meta: Meta


class EngagementPoint(TypedDict):
    timestamp: Instant
    viewers: Annotated[float, "mean of concurrent viewers", {"minimum": 0}]
    chatMessages: Count
    qualityChanges: Count
    bufferingEvents: Count


class Span(TypedDict):
    start: Instant
    end: Instant


class Growth(TypedDict):
    """Percent against the period of the same length before; 0 where that had nothing."""

    views: float
    viewers: float
    watchTime: float
    engagement: float
    revenue: float


class AnalyticsSummary(TypedDict):
    """A period of a tenant's streams, or of those asked for."""

    period: Span
    totalStreams: Count
    totalHoursStreamed: Annotated[float, "hours", {"minimum": 0}]
    totalViews: Count
    totalViewers: Count
    uniqueViewers: Count
    returningViewers: Count
    peakViewers: Count
    averageViewers: Annotated[float, "mean of concurrent viewers while on air", {"minimum": 0}]
    totalWatchTime: Annotated[float, "seconds", {"minimum": 0}]
    averageViewTime: Annotated[float, "seconds", {"minimum": 0}]
    chatMessages: Count
    likes: Count
    reactions: Count
    shares: Count
    followers: Count
    totalRevenue: Amount
    averageEngagement: Percent
    bufferingRatio: Percent
    growth: Growth
    meta: Meta


class Donations(TypedDict):
    total: Amount
    count: Count
    averageAmount: Amount
    topDonation: Amount


class SuperChats(TypedDict):
    total: Amount
    count: Count
    averageAmount: Amount


class Subscriptions(TypedDict):
    total: Amount
    newSubs: Count
    renewals: Count
    cancellations: Count


class Tips(TypedDict):
    total: Amount
    count: Count


class Revenue(TypedDict):
    totalRevenue: Amount
    donations: Donations
    superChats: SuperChats
    subscriptions: Subscriptions
    tips: Tips


class Chatter(TypedDict):
    username: str
    messageCount: Count
    userId: str


class Emote(TypedDict):
    emote: str
    count: Count


class Sentiment(TypedDict):
    positive: float
    neutral: float
    negative: float


class ModerationActions(TypedDict):
    timeouts: Count
    bans: Count
    deletedMessages: Count


class Chat(TypedDict):
    totalMessages: Count
    messagesPerMinute: float
    activeUsers: Count
    topChatters: list[Chatter]
    emotesUsed: list[Emote]
    sentiment: Sentiment
    moderationActions: ModerationActions


class Demographics(TypedDict):
    ageGroups: Shares
    genders: Shares
    countries: Shares
    languages: Shares


class ViewingHour(TypedDict):
    hour: Annotated[int, "hour of the day in the asked time zone", {"minimum": 0, "maximum": 23}]
    viewers: float


class DropOff(TypedDict):
    timestamp: Instant
    percentage: Percent


class Behavior(TypedDict):
    averageSessionLength: Annotated[float, "seconds", {"minimum": 0}]
    returnViewerRate: Percent
    peakViewingHours: list[ViewingHour]
    dropOffPoints: list[DropOff]


class AudienceEngagement(TypedDict):
    chatParticipationRate: Percent
    followConversionRate: Percent
    subscriptionConversionRate: Percent


class AudienceDetail(TypedDict):
    demographics: Demographics
    behavior: Behavior
    engagement: AudienceEngagement


class TechnicalMetrics(TypedDict):
    averageBitrate: Annotated[float, "kbit/s", {"minimum": 0}]
    frameDrops: Count
    reconnections: Count
    averageLatency: Annotated[float, "ms", {"minimum": 0}]
    bufferingRatio: Percent


class QualityMetrics(TypedDict):
    streamHealth: Literal["excellent", "good", "fair", "poor"]
    stabilityScore: Annotated[float, "0 to 100", {"minimum": 0, "maximum": 100}]
    viewerSatisfaction: Annotated[float, "0 to 100", {"minimum": 0, "maximum": 100}]


class Performance(TypedDict):
    technicalMetrics: TechnicalMetrics
    qualityMetrics: QualityMetrics


class ComprehensiveAnalytics(TypedDict):
    """Everything history knows of a stream in a period."""

    streamId: str
    period: Span
    overview: StreamingMetrics
    revenue: Revenue
    chat: Chat
    audience: AudienceDetail
    performance: Performance
    realTime: NotRequired[RealTimeAnalytics]
    meta: NotRequired[Meta]


class Aggregated(TypedDict):
    """All streams of the answer together. Growth is percent against the period of the same length before."""

    totalStreams: Count
    totalHoursStreamed: Annotated[float, "hours", {"minimum": 0}]
    totalViews: Count
    totalViewers: Count
    uniqueViewers: Count
    peakViewers: Count
    averageViewers: Annotated[float, "mean of concurrent viewers while on air", {"minimum": 0}]
    averageViewTime: Annotated[float, "seconds", {"minimum": 0}]
    chatMessages: Count
    totalRevenue: Amount
    viewerGrowth: float
    engagementGrowth: float
    growthRate: float


class TrendPoint(TypedDict):
    timestamp: Instant
    value: float


class ViewershipPoint(TypedDict):
    date: Annotated[str, "local day", {"format": "date"}]
    timestamp: Instant
    value: float
    viewers: Count
    uniqueViewers: Count


class RevenuePoint(TypedDict):
    date: Annotated[str, "local day", {"format": "date"}]
    timestamp: Instant
    value: Amount
    revenue: Amount
    donations: Amount


class EngagementDay(TypedDict):
    date: Annotated[str, "local day", {"format": "date"}]
    timestamp: Instant
    value: Percent
    chatMessages: Count
    avgEngagement: Percent


class Trends(TypedDict):
    """Series by local day, every day of the period."""

    viewersTrend: list[TrendPoint]
    viewershipTrend: list[ViewershipPoint]
    revenueTrend: list[RevenuePoint]
    followersTrend: list[TrendPoint]
    engagementTrend: list[EngagementDay]


class HistoricalAnalytics(TypedDict):
    """A channel over a period: its streams (a page), all of them together, and their course by day."""

    period: Span
    streams: list[ComprehensiveAnalytics]
    total: Count
    hasMore: bool
    aggregated: Aggregated
    trends: Trends
    meta: Meta


class Place(TypedDict):
    """Sessions of a place, and where it is: of a region or city without coordinates of its own, its country."""

    count: Count
    lat: float
    lng: float


class Geographic(TypedDict):
    countries: dict[str, Place]
    regions: dict[str, Place]
    cities: dict[str, Place]
    meta: Meta


class DeviceDistribution(TypedDict):
    devices: Shares
    browsers: Shares
    operatingSystems: Shares
    screenResolutions: Shares
    meta: Meta


class Overview(TypedDict):
    total_revenue: Amount
    total_views: Count
    total_streams: Count
    avg_watch_time: Annotated[float, "seconds", {"minimum": 0}]
    unique_viewers: Count
    peak_viewers: Count
    meta: Meta


class ViewershipDay(TypedDict):
    date: Annotated[str, "local day", {"format": "date"}]
    views: Count
    viewers: Count
    unique_viewers: Count
    watch_time: Annotated[float, "seconds", {"minimum": 0}]
    peak_viewers: Count


class Viewership(TypedDict):
    days: list[ViewershipDay]
    meta: Meta


class AudienceShares(TypedDict):
    """Shares of plays, percent."""

    devices: Shares
    countries: Shares
    browsers: Shares
    total_viewers: Count
    unique_viewers: Count
    returning_viewers: Count
    meta: Meta


class PerformanceSummary(TypedDict):
    average_bitrate: Annotated[float, "kbit/s", {"minimum": 0}]
    average_latency: Annotated[float, "ms", {"minimum": 0}]
    buffering_ratio: Percent
    error_rate: Percent
    startup_time: Annotated[float, "seconds", {"minimum": 0}]
    live_latency: Annotated[float, "seconds", {"minimum": 0}]
    dropped_frames: Count
    reconnections: Count
    uptime: Percent
    meta: Meta


class RevenueDay(TypedDict):
    date: Annotated[str, "local day", {"format": "date"}]
    revenue: Amount


class RevenueBreakdown(TypedDict):
    total_revenue: Amount
    currency: str
    donations: Amount
    super_chats: Amount
    subscriptions: Amount
    tips: Amount
    days: list[RevenueDay]
    meta: Meta


class GoalValues(TypedDict):
    viewers: float
    revenue: float
    followers: float
    streamHours: float
    engagementRate: float


class AnalyticsGoals(TypedDict):
    """What a channel wants to reach in a period, and how far it is."""

    channelId: str
    period: Literal["today", "week", "month", "year"]
    targetViewers: NotRequired[float]
    targetRevenue: NotRequired[float]
    targetFollowers: NotRequired[float]
    targetStreamHours: NotRequired[float]
    targetEngagementRate: NotRequired[float]
    current: GoalValues
    progress: Annotated[dict[str, float], "percent of each target, by the target's name"]
    meta: Meta


class GoalsRequest(TypedDict, total=False):
    """Targets to set; null takes one away, what is left out stays."""

    period: Literal["today", "week", "month", "year"]
    targetViewers: Annotated[float | None, "plays", {"minimum": 0}]
    targetRevenue: Annotated[float | None, "in the platform's currency", {"minimum": 0}]
    targetFollowers: Annotated[float | None, "new followers", {"minimum": 0}]
    targetStreamHours: Annotated[float | None, "hours on air", {"minimum": 0}]
    targetEngagementRate: Annotated[float | None, "percent", {"minimum": 0, "maximum": 100}]
