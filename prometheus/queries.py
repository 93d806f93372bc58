"""The query catalogue: every PromQL text the bridge and the recorder ask, by name.

The texts read recorded series (``prometheus/rules``): REST, WebSocket, Grafana and history share one arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """A named instant query, and the labels that tell its results apart."""

    name: str
    promql: str
    labels: tuple[str, ...] = ("stream",)


# Streams
STREAM_UP = Query("stream_up", "stream:livestream_rtmp_stream_up:max")
STREAM_START = Query("stream_start", "stream:livestream_rtmp_stream_start_timestamp_seconds:max")
STREAM_FIRST_START = Query("stream_first_start", "stream:livestream_rtmp_stream_first_start_timestamp_seconds:min")
STREAM_INGEST_RATE = Query("stream_ingest_rate", "stream:livestream_rtmp_stream_receive_bytes:rate1m")
STREAM_FRAME_RATE = Query("stream_frame_rate", "max by (stream) (livestream_rtmp_stream_video_frame_rate_hertz)")
STREAM_WIDTH = Query("stream_width", "max by (stream) (livestream_rtmp_stream_video_width_pixels)")
STREAM_HEIGHT = Query("stream_height", "max by (stream) (livestream_rtmp_stream_video_height_pixels)")
STREAM_DROPPED_FRAMES = Query("stream_dropped_frames", "sum by (stream) (livestream_rtmp_stream_dropped_frames_total)")
STREAM_RECONNECTS = Query("stream_reconnects", "sum by (stream) (livestream_rtmp_reconnects_total)")
STREAM_AVAILABLE = Query("stream_available", "stream:livestream_available:ratio")
PLAYLIST_STALE = Query("playlist_stale", "stream:livestream_hls_playlist_stale:max")
PLAYLIST_AGE = Query("playlist_age", "stream:livestream_hls_playlist_age_seconds:max")
LIVE_EDGE_LATENCY = Query("live_edge_latency", "stream:livestream_hls_live_edge_latency_seconds:max")
HLS_UP = Query("hls_up", "max by (stream) (livestream_hls_up)")

# Viewers
VIEWERS = Query("viewers", "stream:livestream_viewer_concurrent:sum")
PEAK_VIEWERS = Query("peak_viewers", "stream:livestream_viewer_concurrent:peak")
PLAYS = Query("plays", "stream:livestream_viewer_broadcast_plays:sum")
WATCH_SECONDS = Query("watch_seconds", "stream:livestream_viewer_broadcast_watch_seconds:sum")
AVERAGE_VIEW = Query("average_view", "stream:livestream_viewer_broadcast_watch_seconds_per_plays:ratio")
ENGAGEMENTS = Query("engagements", "stream_event:livestream_viewer_broadcast_engagements:sum", ("stream", "event"))
SESSION_STATES = Query("session_states", "stream_state:livestream_viewer_sessions:sum", ("stream", "state"))
VIEWERS_BY_COUNTRY = Query(
    "viewers_by_country", "stream_country:livestream_viewer_concurrent:sum", ("stream", "country")
)
VIEWERS_BY_DEVICE = Query("viewers_by_device", "stream_device:livestream_viewer_concurrent:sum", ("stream", "device"))
VIEWERS_BY_VARIANT = Query(
    "viewers_by_variant", "stream_variant:livestream_viewer_concurrent:sum", ("stream", "variant")
)
STALL_RATIO = Query("stall_ratio", "stream:livestream_viewer_stall_per_watch_seconds:ratio_rate5m")
STARTUP_P50 = Query("startup_p50", "stream:livestream_viewer_startup_seconds:p50_5m")
STARTUP_P95 = Query("startup_p95", "stream:livestream_viewer_startup_seconds:p95_5m")
LIVE_LATENCY_P50 = Query("live_latency_p50", "stream:livestream_viewer_live_latency_seconds:p50_5m")
REVENUE_TODAY = Query("revenue_today", "stream:livestream_viewer_revenue_today:sum")
ENGAGED_RATIO = Query("engaged_ratio", "stream:livestream_viewer_engaged_per_sessions:ratio_rate1h")
ENGAGED_SESSIONS = Query("engaged_sessions", "stream:livestream_viewer_engaged_sessions:rate1h")
SESSION_STARTS = Query("session_starts", "stream:livestream_viewer_play_attempts:rate1h")
AVERAGE_BITRATE = Query("average_bitrate", "stream:livestream_viewer_rendition_bytes_per_watch_seconds:ratio_rate5m")
REBUFFERS = Query("rebuffers", 'sum by (stream) (livestream_viewer_rebuffers_total{cause=~"network|unknown"})')
UNIQUE_VIEWERS = Query("unique_viewers", 'max by (stream) (livestream_viewer_unique_estimate{window="stream"})')
CHAT_PARTICIPANTS = Query("chat_participants", "max by (stream) (livestream_viewer_chat_participants_estimate)")

# Edge
EDGE_BYTES = Query("edge_bytes", "stream:livestream_cdn_response_bytes:rate1m")
EDGE_ERROR_RATIO = Query("edge_error_ratio", "stream:livestream_cdn_failed_per_requests:ratio_rate1m")
EDGE_REQUESTS = Query("edge_requests", "stream:livestream_cdn_requests:rate1m")
EDGE_FAILED = Query("edge_failed", "stream:livestream_cdn_failed_requests:rate1m")
EDGE_TTFB = Query("edge_ttfb", "stream:livestream_cdn_time_to_first_byte_seconds:mean1m")

# Platform
CLUSTER_ERROR_RATIO = Query("cluster_error_ratio", "cluster:livestream_cdn_failed_per_requests:ratio_rate1m", ())
CLUSTER_ENGAGED_RATIO = Query(
    "cluster_engaged_ratio", "cluster:livestream_viewer_engaged_per_sessions:ratio_rate1h", ()
)
CLUSTER_STALL_RATIO = Query("cluster_stall_ratio", "cluster:livestream_viewer_stall_per_watch_seconds:ratio_rate5m", ())
HOST_CPU = Query("host_cpu", "cluster:livestream_rtmp_host_cpu:mean", ())
EXPORTERS_UP = Query("exporters_up", 'min by (hop) (up{service="livestream",hop!=""})', ("hop",))
SOURCES_UP = Query("sources_up", "min by (exporter) (livestream_exporter_collector_success)", ("exporter",))

SNAPSHOT: tuple[Query, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Query))
"""All that one tick of the bridge asks."""


def _minute_growth(counter: str) -> str:
    """How much a lifetime counter grew in the last minute, by stream: exact differences, no extrapolation.

    A series that is new in this minute counts from its first sample.
    """
    growth = f"({counter} - {counter} offset 1m) or ({counter} - min_over_time({counter}[1m]))"
    return f"sum by (stream) (clamp_min({growth}, 0))"


# History: each is evaluated at a minute's end and speaks of that minute.
MINUTE_VIEWERS = Query("minute_viewers", "avg_over_time(stream:livestream_viewer_concurrent:sum[1m])")
MINUTE_VIEWERS_PEAK = Query("minute_viewers_peak", "max_over_time(stream:livestream_viewer_concurrent:sum[1m])")
MINUTE_ALL_VIEWERS = Query("minute_all_viewers", "avg_over_time(cluster:livestream_viewer_concurrent:sum[1m])", ())
MINUTE_ALL_VIEWERS_PEAK = Query(
    "minute_all_viewers_peak", "max_over_time(cluster:livestream_viewer_concurrent:sum[1m])", ()
)
MINUTE_PUBLISHING = Query(
    "minute_publishing", f"clamp_max({_minute_growth('livestream_rtmp_stream_publishing_seconds_total')}, 60)"
)
MINUTE_STALE = Query("minute_stale", "60 * avg_over_time(stream:livestream_hls_playlist_stale:max[1m])")
MINUTE_INGEST_RATE = Query(
    "minute_ingest_rate", "avg_over_time(stream:livestream_rtmp_stream_receive_bytes:rate1m[1m])"
)
MINUTE_EDGE_RATE = Query("minute_edge_rate", "avg_over_time(stream:livestream_cdn_response_bytes:rate1m[1m])")
MINUTE_EDGE_ERRORS = Query(
    "minute_edge_errors", "avg_over_time(stream:livestream_cdn_failed_per_requests:ratio_rate1m[1m])"
)
MINUTE_EDGE_TTFB = Query(
    "minute_edge_ttfb", "avg_over_time(stream:livestream_cdn_time_to_first_byte_seconds:mean1m[1m])"
)
MINUTE_LIVE_LATENCY = Query(
    "minute_live_latency",
    "avg_over_time(stream:livestream_viewer_live_latency_seconds:p50_5m[1m])"
    " or avg_over_time(stream:livestream_hls_live_edge_latency_seconds:max[1m])",
)
MINUTE_STARTUP = Query("minute_startup", "avg_over_time(stream:livestream_viewer_startup_seconds:p50_5m[1m])")
MINUTE_STALL = Query("minute_stall", "avg_over_time(stream:livestream_viewer_stall_per_watch_seconds:ratio_rate5m[1m])")
MINUTE_FRAME_RATE = Query("minute_frame_rate", "max by (stream) (livestream_rtmp_stream_video_frame_rate_hertz)")
MINUTE_DROPPED_FRAMES = Query("minute_dropped_frames", _minute_growth("livestream_rtmp_stream_dropped_frames_total"))
MINUTE_RECONNECTS = Query("minute_reconnects", _minute_growth("livestream_rtmp_reconnects_total"))
MINUTE_REBUFFERS = Query("minute_rebuffers", _minute_growth("livestream_viewer_rebuffers_total"))
MINUTE_SWITCHES = Query("minute_switches", _minute_growth("livestream_viewer_rendition_switches_total"))

HISTORY: tuple[Query, ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Query) and value.name.startswith("minute_")
)
"""All that the recorder asks of each minute."""
BY_NAME: dict[str, Query] = {query.name: query for query in (*SNAPSHOT, *HISTORY)}
