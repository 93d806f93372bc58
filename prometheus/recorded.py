"""The names of the recorded series, for those who query them; ``prometheus/rules`` defines what each holds."""

from __future__ import annotations

from prometheus import slo_rules

# By stream
STREAM_UP = "stream:livestream_rtmp_stream_up:max"
STREAM_START = "stream:livestream_rtmp_stream_start_timestamp_seconds:max"
STREAM_INGEST_RATE = "stream:livestream_rtmp_stream_receive_bytes:rate1m"
STREAM_INGEST_LOST = "stream:livestream_ingest_lost:bool"
STREAM_AVAILABLE = "stream:livestream_available:ratio"
STREAM_PLAYLIST_STALE = "stream:livestream_hls_playlist_stale:max"
STREAM_PLAYLIST_AGE = "stream:livestream_hls_playlist_age_seconds:max"
STREAM_PLAYLIST_AGE_TARGETS = "stream:livestream_hls_playlist_age_per_target_duration:ratio"
STREAM_LIVE_EDGE = "stream:livestream_hls_live_edge_latency_seconds:max"
STREAM_REQUESTS = "stream:livestream_cdn_requests:rate1m"
STREAM_FAILED_RATIO = "stream:livestream_cdn_failed_per_requests:ratio_rate1m"
STREAM_EDGE_RATE = "stream:livestream_cdn_response_bytes:rate1m"
STREAM_EDGE_TTFB = "stream:livestream_cdn_time_to_first_byte_seconds:mean1m"
STREAM_VIEWERS = "stream:livestream_viewer_concurrent:sum"
STREAM_PEAK_VIEWERS = "stream:livestream_viewer_concurrent:peak"
STREAM_STALL_RATIO = "stream:livestream_viewer_stall_per_watch_seconds:ratio_rate5m"
STREAM_START_FAILURE_RATIO = "stream:livestream_viewer_start_failures_per_attempts:ratio_rate5m"
STREAM_STARTUP_P50 = "stream:livestream_viewer_startup_seconds:p50_5m"
STREAM_STARTUP_P95 = "stream:livestream_viewer_startup_seconds:p95_5m"
STREAM_LATENCY_P50 = "stream:livestream_viewer_live_latency_seconds:p50_5m"
STREAM_STATES = "stream_state:livestream_viewer_sessions:sum"
STREAM_COUNTRIES = "stream_country:livestream_viewer_concurrent:sum"
STREAM_DEVICES = "stream_device:livestream_viewer_concurrent:sum"
STREAM_VARIANTS = "stream_variant:livestream_viewer_concurrent:sum"

# Of the platform
STREAMS = "cluster:livestream_rtmp_stream_up:sum"
VIEWERS = "cluster:livestream_viewer_concurrent:sum"
INGEST_RATE = "cluster:livestream_rtmp_stream_receive_bytes:rate1m"
EDGE_RATE = "cluster:livestream_cdn_response_bytes:rate1m"
FAILED_RATIO = "cluster:livestream_cdn_failed_per_requests:ratio_rate1m"
STALL_RATIO = "cluster:livestream_viewer_stall_per_watch_seconds:ratio_rate5m"
PLAYLISTS_LIVE = "cluster:livestream_hls_playlist_live:count"
PLAYLISTS_STALE = "cluster:livestream_hls_playlist_stale:sum"
HOST_CPU = "cluster:livestream_rtmp_host_cpu:mean"
CDN_HIT_RATIO = "cdn:livestream_cdn_hits_per_requests:ratio_rate5m"
HOP_HEALTHY = "hop:livestream_healthy:min"

# Of objectives, each by its label slo
SLO_BUDGET = slo_rules.BUDGET
SLO_REMAINING = slo_rules.REMAINING
SLO_ERRORS = slo_rules.ERRORS


def slo_error_ratio(window: str) -> str:
    """The error ratio of every objective over one of ``slo_rules``' windows."""
    return slo_rules.ratio_series(window)
