"""The vocabulary: every metric family this project exposes, with its kind, labels and meaning.

Imports nothing of ours. Units are base units (seconds, bytes, ratios from 0 to 1); bit rates are bytes per second.
Counters end in ``_total``; instants end in ``_timestamp_seconds``; constant facts end in ``_info`` and are 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family: its name as a query writes it, kind, label names, help text and histogram bucket bounds."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()

    def sample_names(self) -> tuple[str, ...]:
        """The series names that this family is stored under in Prometheus."""
        if self.kind == "histogram":
            return (f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count")
        return (self.name,)


def _gauge(name: str, labels: str, help: str) -> Family:
    return Family(f"livestream_{name}", "gauge", tuple(labels.split()), help)


def _counter(name: str, labels: str, help: str) -> Family:
    return Family(f"livestream_{name}_total", "counter", tuple(labels.split()), help)


def _histogram(name: str, labels: str, help: str, buckets: tuple[float, ...]) -> Family:
    return Family(f"livestream_{name}", "histogram", tuple(labels.split()), help, buckets)


FETCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STARTUP_SECONDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)
LATENCY_SECONDS = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 40.0, 60.0)
SESSION_SECONDS = (10.0, 30.0, 60.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0)
BUFFER_SECONDS = (0.1, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 20.0, 30.0, 60.0)
SEGMENT_SECONDS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0)
DELAY_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0)
LAG_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
DOWNLOAD_RATIOS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 2.0)
THROUGHPUTS = (62.5e3, 125e3, 250e3, 500e3, 1e6, 1.875e6, 3.125e6, 6.25e6, 12.5e6, 25e6, 62.5e6)

# Every process
BUILD_INFO = _gauge("build_info", "component version revision", "Which build of which component runs; always 1.")
COLLECTOR_SUCCESS = _gauge(
    "exporter_collector_success", "exporter collector", "Whether the collector answered the last scrape (1) or not (0)."
)
COLLECTOR_DURATION = _gauge(
    "exporter_collector_duration_seconds", "exporter collector", "Time the collector took for the last scrape."
)

# RTMP ingest
RTMP_UP = _gauge("rtmp_up", "target backend", "Whether the last poll of the media server succeeded.")
RTMP_SCRAPE_DURATION = _gauge("rtmp_scrape_duration_seconds", "target", "Time the last poll of the media server took.")
RTMP_SCRAPE_ERRORS = _counter(
    "rtmp_scrape_errors", "target reason", "Failed polls: timeout, connect, http, parse, auth."
)
RTMP_LAST_SCRAPE = _gauge("rtmp_last_scrape_timestamp_seconds", "target", "When the last good poll was made.")
RTMP_SERVER_INFO = _gauge("rtmp_server_info", "target backend version", "Media server and its version; always 1.")
RTMP_SERVER_START = _gauge("rtmp_server_start_timestamp_seconds", "target", "When the media server started.")
RTMP_SERVER_WORKERS = _gauge(
    "rtmp_server_workers", "target state", "Worker processes seen by polls and expected by configuration."
)
RTMP_SERVER_CONNECTIONS = _counter("rtmp_server_connections_accepted", "target", "Connections accepted by the server.")
RTMP_SERVER_RECEIVE_BYTES = _counter("rtmp_server_receive_bytes", "target", "Bytes received by the server.")
RTMP_SERVER_TRANSMIT_BYTES = _counter("rtmp_server_transmit_bytes", "target", "Bytes sent by the server.")
RTMP_STREAMS = _gauge("rtmp_streams", "target app state", "Streams by state: publishing or idle.")
RTMP_STREAM_UP = _gauge("rtmp_stream_up", "app stream", "1 while publishing, 0 after the end, then removed.")
RTMP_STREAM_START = _gauge("rtmp_stream_start_timestamp_seconds", "app stream", "When the current publish began.")
RTMP_STREAM_FIRST_START = _gauge(
    "rtmp_stream_first_start_timestamp_seconds", "app stream", "When the stream began, before any reconnects."
)
RTMP_STREAM_PUBLISHING_SECONDS = _counter(
    "rtmp_stream_publishing_seconds", "app stream", "Time spent publishing since the stream began."
)
RTMP_STREAM_INFO = _gauge(
    "rtmp_stream_info",
    "app stream protocol video_codec video_profile audio_codec encoder",
    "Codecs, protocol and encoder family of the publisher; always 1.",
)
RTMP_STREAM_WIDTH = _gauge("rtmp_stream_video_width_pixels", "app stream", "Width of the published picture.")
RTMP_STREAM_HEIGHT = _gauge("rtmp_stream_video_height_pixels", "app stream", "Height of the published picture.")
RTMP_STREAM_FRAME_RATE = _gauge("rtmp_stream_video_frame_rate_hertz", "app stream", "Declared frame rate.")
RTMP_STREAM_SAMPLE_RATE = _gauge("rtmp_stream_audio_sample_rate_hertz", "app stream", "Audio sample rate.")
RTMP_STREAM_CHANNELS = _gauge("rtmp_stream_audio_channels", "app stream", "Audio channels.")
RTMP_STREAM_CLIENTS = _gauge("rtmp_stream_clients", "app stream role", "Clients by role: publisher, subscriber, relay.")
RTMP_STREAM_RECEIVE_BYTES = _counter(
    "rtmp_stream_receive_bytes", "app stream", "Bytes received from publishers, kept through reconnects."
)
RTMP_STREAM_TRANSMIT_BYTES = _counter(
    "rtmp_stream_transmit_bytes", "app stream", "Bytes sent to subscribers, kept through reconnects."
)
RTMP_STREAM_RECEIVE_RATE = _gauge(
    "rtmp_stream_receive_bytes_per_second",
    "app stream media",
    "Receive rate over the server's own window, by media: total, audio, video, data.",
)
RTMP_STREAM_FRAMES = _counter("rtmp_stream_frames", "app stream", "Frames received, where the server counts them.")
RTMP_STREAM_DROPPED_FRAMES = _counter("rtmp_stream_dropped_frames", "app stream role", "Frames dropped by the server.")
RTMP_STREAM_ERROR_FRAMES = _counter("rtmp_stream_error_frames", "app stream", "Frames received in error.")
RTMP_STREAM_AVSYNC = _gauge("rtmp_stream_avsync_seconds", "app stream", "Audio minus video time of the publisher.")
RTMP_STREAM_DRIFT = _gauge(
    "rtmp_stream_media_drift_seconds", "app stream", "Media time elapsed minus wall time elapsed since first seen."
)
RTMP_STREAM_LAST_DATA = _gauge(
    "rtmp_stream_last_data_timestamp_seconds", "app stream", "When received bytes last grew (a freeze ages it)."
)
RTMP_STREAM_KEYFRAME_INTERVAL = _gauge(
    "rtmp_stream_keyframe_interval_seconds", "app stream", "Keyframe interval, where the server knows it."
)
RTMP_PUBLISH_STARTS = _counter("rtmp_publish_starts", "app reason", "Publishes begun, by how they were noticed.")
RTMP_PUBLISH_ENDS = _counter("rtmp_publish_ends", "app reason", "Publishes ended: hook, gap, error.")
RTMP_PUBLISH_DURATION = _histogram(
    "rtmp_publish_duration_seconds", "app", "Length of ended publishes.", SESSION_SECONDS
)
RTMP_RECONNECTS = _counter("rtmp_reconnects", "app stream", "Publishes of a stream that ended less than 60 s before.")
RTMP_TRANSPORT_RTT = _gauge(
    "rtmp_transport_rtt_seconds", "app stream protocol", "Round-trip time of the worst publisher."
)
RTMP_TRANSPORT_LOSS = _gauge("rtmp_transport_loss_ratio", "app stream protocol", "Packet loss of the worst publisher.")
RTMP_HOOK_EVENTS = _counter("rtmp_hook_events", "event result", "Media-server hooks received, by result.")
RTMP_DROPPED_SERIES = _counter("rtmp_dropped_series", "reason", "Label sets folded into _other by the bound.")
RTMP_HOST_CPU = _gauge("rtmp_host_cpu_ratio", "target", "CPU use of the media server's host.")

# HLS packaging
HLS_UP = _gauge("hls_up", "stream endpoint", "Multivariant and at least one media playlist are valid and fresh.")
HLS_FETCHES = _counter("hls_fetches", "stream endpoint kind code_class", "Probe requests answered.")
HLS_FETCH_ERRORS = _counter(
    "hls_fetch_errors", "stream endpoint kind reason", "Probe requests failed: dns, connect, tls, timeout, http_4xx, …"
)
HLS_FETCH_DURATION = _histogram("hls_fetch_duration_seconds", "endpoint kind", "Probe request duration.", FETCH_SECONDS)
HLS_TTFB = _histogram("hls_time_to_first_byte_seconds", "endpoint kind", "Probe time to first byte.", FETCH_SECONDS)
HLS_PLAYLIST_LAST_CHANGE = _gauge(
    "hls_playlist_last_change_timestamp_seconds", "stream endpoint variant", "When the playlist's content last grew."
)
HLS_PLAYLIST_STALE = _gauge(
    "hls_playlist_stale", "stream endpoint variant", "1 when no new segment came for 1.5 target durations."
)
HLS_PLAYLIST_STALE_SECONDS = _counter("hls_playlist_stale_seconds", "stream endpoint", "Time spent stale.")
HLS_MEDIA_SEQUENCE = _gauge("hls_media_sequence", "stream endpoint variant", "EXT-X-MEDIA-SEQUENCE.")
HLS_DISCONTINUITY_SEQUENCE = _gauge(
    "hls_discontinuity_sequence", "stream endpoint variant", "EXT-X-DISCONTINUITY-SEQUENCE."
)
HLS_TARGET_DURATION = _gauge("hls_target_duration_seconds", "stream endpoint", "EXT-X-TARGETDURATION.")
HLS_PART_TARGET = _gauge("hls_part_target_seconds", "stream endpoint", "PART-TARGET of EXT-X-PART-INF.")
HLS_WINDOW_SEGMENTS = _gauge("hls_window_segments", "stream endpoint variant", "Segments listed.")
HLS_WINDOW_SECONDS = _gauge("hls_window_seconds", "stream endpoint variant", "Duration listed.")
HLS_SEGMENTS = _counter("hls_segments", "stream endpoint variant", "New segments seen.")
HLS_MEDIA_SECONDS = _counter(
    "hls_media_seconds", "stream endpoint variant", "Media time published; its rate is 1 when in real time."
)
HLS_SEGMENT_DURATION = _histogram("hls_segment_duration_seconds", "endpoint", "EXTINF durations.", SEGMENT_SECONDS)
HLS_LIVE_EDGE_LATENCY = _gauge(
    "hls_live_edge_latency_seconds", "stream endpoint variant", "Now minus the end of the last segment by program date."
)
HLS_PDT_DRIFT = _gauge("hls_pdt_drift_seconds", "stream endpoint", "Change of the live-edge latency since first seen.")
HLS_VARIANTS = _gauge("hls_variants", "stream endpoint state", "Variants: declared, ok, failing, stale.")
HLS_VARIANT_DRIFT = _gauge("hls_variant_drift_seconds", "stream endpoint", "Spread of live edges over variants.")
HLS_VIOLATIONS = _counter("hls_violations", "stream endpoint rule severity", "Rule violations begun.")
HLS_VIOLATION_ACTIVE = _gauge("hls_violation_active", "stream endpoint rule", "1 while a rule is violated.")
HLS_DISCONTINUITIES = _counter("hls_discontinuities", "stream endpoint", "Discontinuities seen.")
HLS_GAPS = _counter("hls_gaps", "stream endpoint", "Segments marked EXT-X-GAP.")
HLS_SEQUENCE_RESETS = _counter("hls_sequence_resets", "stream endpoint", "Media sequence went back: origin restarts.")
HLS_AD_BREAKS = _counter("hls_ad_breaks", "stream", "Ad breaks signalled.")
HLS_AD_BREAK_DELTA = _gauge("hls_ad_break_delta_seconds", "stream", "Signalled minus actual length of the last break.")
HLS_SEGMENT_BYTES = _counter("hls_segment_bytes", "stream endpoint variant", "Bytes of sampled segments.")
HLS_DECLARED_RATE = _gauge("hls_variant_declared_bytes_per_second", "stream endpoint variant", "BANDWIDTH in bytes.")
HLS_MEASURED_RATE = _gauge(
    "hls_variant_measured_bytes_per_second", "stream endpoint variant", "Peak measured segment rate."
)
HLS_DOWNLOAD_RATIO = _histogram(
    "hls_segment_download_ratio", "endpoint", "Download time divided by duration; above 1 cannot play.", DOWNLOAD_RATIOS
)
HLS_EDGE_CACHE = _counter("hls_edge_cache", "endpoint kind cache", "Cache state of probe answers, by their headers.")
HLS_PROBE_BUFFER = _gauge("hls_probe_buffer_seconds", "stream endpoint", "Buffer of the synthetic player.")
HLS_PROBE_REBUFFERS = _counter("hls_probe_rebuffers", "stream endpoint", "Stalls of the synthetic player.")
HLS_PROBE_REBUFFER_SECONDS = _counter(
    "hls_probe_rebuffer_seconds", "stream endpoint", "Stalled time of the synthetic player."
)
HLS_PARTS = _counter("hls_parts", "stream endpoint", "Partial segments seen.")
HLS_PART_INTERVAL = _histogram(
    "hls_part_interval_seconds", "stream endpoint", "Time between new parts.", SEGMENT_SECONDS
)
HLS_BLOCKING_RELOAD = _histogram(
    "hls_blocking_reload_duration_seconds", "endpoint", "Hold time of blocking reloads.", FETCH_SECONDS
)
HLS_BLOCKING_RELOAD_ERRORS = _counter(
    "hls_blocking_reload_errors",
    "endpoint reason",
    "Blocking reloads answered wrongly: early, timeout, http_400, http_503.",
)
HLS_PRELOAD_HINT = _counter("hls_preload_hint", "endpoint result", "Preload hints followed: used, 404, late.")
HLS_PROBE_LAG = _histogram("hls_probe_lag_seconds", "", "How late probes started against their schedule.", LAG_SECONDS)
HLS_LAST_PROBE = _gauge("hls_last_probe_timestamp_seconds", "stream endpoint", "When the stream was last probed.")
HLS_TARGETS = _gauge("hls_targets", "endpoint state", "Streams to probe: probed, or left out by the limit.")

# CDN delivery
CDN_REQUESTS = _counter("cdn_requests", "cdn stream kind code_class cache", "Edge requests.")
CDN_RESPONSE_BYTES = _counter("cdn_response_bytes", "cdn stream kind cache", "Bytes sent to viewers.")
CDN_REQUEST_BYTES = _counter("cdn_request_bytes", "cdn stream kind cache", "Bytes received from viewers.")
CDN_RESPONSES_BY_CODE = _counter("cdn_responses_by_code", "cdn code", "Responses by exact registered status code.")
CDN_REQUESTS_BY_COUNTRY = _counter("cdn_requests_by_country", "cdn country", "Requests by country.")
CDN_BYTES_BY_COUNTRY = _counter("cdn_response_bytes_by_country", "cdn country", "Bytes sent by country.")
CDN_REQUESTS_BY_POP = _counter("cdn_requests_by_pop", "cdn pop code_class cache", "Requests by point of presence.")
CDN_BYTES_BY_POP = _counter("cdn_response_bytes_by_pop", "cdn pop", "Bytes sent by point of presence.")
CDN_REQUESTS_BY_PROTOCOL = _counter("cdn_requests_by_protocol", "cdn protocol tls", "Requests by HTTP and TLS version.")
CDN_TTFB = _histogram("cdn_time_to_first_byte_seconds", "cdn kind cache", "Edge time to first byte.", FETCH_SECONDS)
CDN_STREAM_TTFB_SECONDS = _counter(
    "cdn_stream_time_to_first_byte_seconds", "stream", "Sum of edge time to first byte, for means by stream."
)
CDN_STREAM_TTFB_REQUESTS = _counter(
    "cdn_stream_time_to_first_byte_requests", "stream", "Requests whose edge time to first byte was logged."
)
CDN_DURATION = _histogram("cdn_response_duration_seconds", "cdn kind cache", "Edge response duration.", FETCH_SECONDS)
CDN_ORIGIN_REQUESTS = _counter("cdn_origin_requests", "cdn code_class", "Requests the edge made to the origin.")
CDN_ORIGIN_BYTES = _counter("cdn_origin_bytes", "cdn", "Bytes the edge fetched from the origin.")
CDN_ORIGIN_DURATION = _histogram("cdn_origin_duration_seconds", "cdn", "Origin response duration.", FETCH_SECONDS)
CDN_CLIENT_ABORTS = _counter("cdn_client_aborts", "cdn stream kind", "Requests the viewer gave up; not failures.")
CDN_SLOW_RESPONSES = _counter("cdn_slow_responses", "cdn kind", "Segments delivered slower than they play.")
CDN_LOG_RECORDS = _counter(
    "cdn_log_records", "cdn source result", "Log records: ok, parse_error, filtered, duplicate, late, oversized."
)
CDN_LOG_FALLBACK = _counter("cdn_log_fallback", "cdn source", "Log lines that missed the fast path.")
CDN_LOG_WATERMARK = _gauge("cdn_log_watermark_timestamp_seconds", "cdn source", "Newest record time counted.")
CDN_LOG_DELAY = _histogram("cdn_log_delay_seconds", "cdn", "Record time to counted.", DELAY_SECONDS)
CDN_LOG_SAMPLING = _gauge("cdn_log_sampling_ratio", "cdn source", "Share of requests that are logged.")
CDN_LOG_BACKLOG = _gauge("cdn_log_backlog_bytes", "source", "Bytes of the present log file still to be counted.")
CDN_LOG_OFFSET = _gauge("cdn_log_offset_bytes", "source", "Position counted up to in the current log file.")
CDN_UNMATCHED_PATHS = _counter("cdn_unmatched_paths", "cdn", "Requests whose path names no stream.")
CDN_DROPPED_SERIES = _counter("cdn_dropped_series", "reason", "Label sets folded into _other by the bound.")
CDN_HANDOFF_RECORDS = _counter("cdn_handoff_records", "result", "Records offered to the session engine, by result.")
CDN_HANDOFF_LAG = _gauge("cdn_handoff_lag_records", "", "Records read but not yet taken by the session engine.")

# Viewer sessions
VIEWER_SESSIONS = _gauge(
    "viewer_sessions", "stream state", "Live sessions: starting, playing, rebuffering, seeking, paused, failed."
)
VIEWER_CONCURRENT = _gauge(
    "viewer_concurrent", "stream", "Concurrent viewers: all sessions but paused, ended and stalled over 5 minutes."
)
VIEWER_CONCURRENT_BY_COUNTRY = _gauge("viewer_concurrent_by_country", "country", "Concurrent viewers by country.")
VIEWER_CONCURRENT_BY_DEVICE = _gauge("viewer_concurrent_by_device", "device os", "Concurrent viewers by device and OS.")
VIEWER_STREAM_BY_COUNTRY = _gauge(
    "viewer_stream_concurrent_by_country",
    "stream country",
    "Concurrent viewers of a stream, top 20 countries and _other.",
)
VIEWER_STREAM_BY_DEVICE = _gauge("viewer_stream_concurrent_by_device", "stream device", "Concurrent viewers by device.")
VIEWER_STREAM_BY_VARIANT = _gauge(
    "viewer_stream_concurrent_by_variant", "stream variant", "Concurrent viewers of a stream by rendition."
)
VIEWER_BROADCAST_START = _gauge(
    "viewer_broadcast_start_timestamp_seconds", "stream", "When the present broadcast began for the session engine."
)
VIEWER_BROADCAST_PEAK = _gauge(
    "viewer_broadcast_peak_concurrent", "stream", "Most concurrent viewers of the broadcast."
)
VIEWER_BROADCAST_PLAYS = _gauge("viewer_broadcast_plays", "stream", "Plays since the broadcast began.")
VIEWER_BROADCAST_WATCH = _gauge("viewer_broadcast_watch_seconds", "stream", "Watch time since the broadcast began.")
VIEWER_BROADCAST_ENGAGEMENTS = _gauge(
    "viewer_broadcast_engagements", "stream event", "Engagement events since the broadcast began."
)
VIEWER_PLAY_ATTEMPTS = _counter("viewer_play_attempts", "stream", "Sessions that tried to play.")
VIEWER_PLAYS = _counter("viewer_plays", "stream device", "Sessions that showed a first frame.")
VIEWER_VIEWS = _counter("viewer_views", "stream", "Sessions that watched at least the view threshold.")
VIEWER_ENDED_PLAYS = _counter("viewer_ended_plays", "stream reason", "Ended sessions: ended, quit, timeout, error.")
VIEWER_EXITS_BEFORE_START = _counter(
    "viewer_exits_before_start", "stream", "Sessions left after waiting at least 1 s for a first frame."
)
VIEWER_START_FAILURES = _counter(
    "viewer_start_failures", "stream category", "Sessions that failed before a first frame."
)
VIEWER_PLAYBACK_FAILURES = _counter(
    "viewer_playback_failures", "stream category", "Sessions that failed while playing."
)
VIEWER_ERRORS = _counter("viewer_errors", "error_class", "Player errors by class.")
VIEWER_WATCH_SECONDS = _counter("viewer_watch_seconds", "stream device", "Playing time.")
VIEWER_REBUFFER_SECONDS = _counter("viewer_rebuffer_seconds", "stream cause", "Stalled time by cause.")
VIEWER_REBUFFERS = _counter("viewer_rebuffers", "stream cause", "Stalls by cause: network, seek, ad, unknown.")
VIEWER_STARTUP = _histogram("viewer_startup_seconds", "stream", "Play to first frame.", STARTUP_SECONDS)
VIEWER_SESSION_DURATION = _histogram(
    "viewer_session_duration_seconds", "", "Length of ended sessions.", SESSION_SECONDS
)
VIEWER_LIVE_LATENCY = _histogram("viewer_live_latency_seconds", "stream", "Distance behind live.", LATENCY_SECONDS)
VIEWER_THROUGHPUT = _histogram("viewer_throughput_bytes_per_second", "cdn device", "Measured throughput.", THROUGHPUTS)
VIEWER_BUFFER = _histogram("viewer_buffer_seconds", "", "Player buffer length.", BUFFER_SECONDS)
VIEWER_RENDITION_SECONDS = _counter("viewer_rendition_seconds", "stream variant", "Watch time by rendition.")
VIEWER_RENDITION_BYTES = _counter(
    "viewer_rendition_bytes", "stream", "Encoded bitrate times watch time; divided by watch time, the average bitrate."
)
VIEWER_SWITCHES = _counter("viewer_rendition_switches", "stream direction", "Rendition switches up and down.")
VIEWER_DROPPED_FRAMES = _counter("viewer_dropped_frames", "stream", "Frames dropped by players.")
VIEWER_BACKGROUNDED = _gauge("viewer_backgrounded_sessions", "stream", "Sessions whose player is in the background.")
VIEWER_REQUEST_TTFB = _histogram(
    "viewer_request_ttfb_seconds", "cdn kind", "Time to first byte by players.", FETCH_SECONDS
)
VIEWER_REQUESTS = _counter("viewer_requests", "cdn kind code_class", "Requests reported by players.")
VIEWER_UNIQUE = _gauge("viewer_unique_estimate", "stream window", "Distinct viewers (HLL); windows stream, 1h, 24h.")
VIEWER_ENGAGEMENTS = _counter("viewer_engagements", "stream event", "Engagement events by kind.")
VIEWER_ENGAGED_SESSIONS = _counter("viewer_engaged_sessions", "stream", "Sessions with at least one engagement event.")
VIEWER_REVENUE = _counter("viewer_revenue", "stream event", "Revenue in the platform's currency, by kind of event.")
VIEWER_REVENUE_TODAY = _gauge("viewer_revenue_today", "stream", "Revenue since 00:00 UTC in the platform's currency.")
VIEWER_CHAT_PARTICIPANTS = _gauge("viewer_chat_participants_estimate", "stream", "Distinct chat participants (HLL).")
VIEWER_REPORTS = _counter(
    "viewer_reports", "transport version result", "Player reports taken, by transport and result."
)
VIEWER_REPORTS_REJECTED = _counter(
    "viewer_reports_rejected",
    "reason",
    "Reports refused: auth, rate, size, parse, unknown_stream, clock, version, ended, surplus, error.",
)
VIEWER_REPORT_GAPS = _counter("viewer_report_gaps", "transport", "Reports lost on the way, by sequence number.")
VIEWER_REPORT_DELAY = _histogram("viewer_report_delay_seconds", "transport", "Report time to received.", DELAY_SECONDS)
VIEWER_TABLE_SESSIONS = _gauge("viewer_session_table_sessions", "", "Sessions held in memory.")
VIEWER_EVICTED = _counter("viewer_sessions_evicted", "reason", "Sessions removed: timeout, ended, capacity.")
VIEWER_DROPPED_SERIES = _counter("viewer_dropped_series", "reason", "Label sets folded into _other by the bound.")
VIEWER_SPOOL_BYTES = _gauge("viewer_spool_bytes", "", "Ended sessions and events waiting on disk for history.")
VIEWER_SPOOL_RECORDS = _counter("viewer_spool_records", "result", "Records spooled for history, by result.")
VIEWER_CHECKPOINT = _gauge("viewer_checkpoint_timestamp_seconds", "", "When session state was last saved.")

# Bridge and recorder
BRIDGE_HTTP_REQUESTS = _counter("bridge_http_requests", "route method code_class", "HTTP requests by route template.")
BRIDGE_HTTP_DURATION = _histogram(
    "bridge_http_request_duration_seconds", "route", "HTTP request duration.", FETCH_SECONDS
)
BRIDGE_HTTP_IN_FLIGHT = _gauge("bridge_http_in_flight", "", "HTTP requests being answered.")
BRIDGE_PROMQL_QUERIES = _counter("bridge_promql_queries", "query result", "Catalogue queries asked, by result.")
BRIDGE_PROMQL_DURATION = _histogram(
    "bridge_promql_duration_seconds", "query", "Catalogue query duration.", FETCH_SECONDS
)
BRIDGE_CACHE = _counter("bridge_cache_requests", "result", "Cached range queries: hit, miss, coalesced, stale.")
BRIDGE_UPSTREAM_UP = _gauge("bridge_upstream_up", "upstream", "Whether an upstream answered last time.")
BRIDGE_DATA_AGE = _gauge("bridge_data_age_seconds", "source", "Age of the newest sample served.")
BRIDGE_SNAPSHOT_TIME = _gauge("bridge_snapshot_timestamp_seconds", "", "When the served snapshot was taken.")
BRIDGE_SNAPSHOT_DURATION = _gauge("bridge_snapshot_duration_seconds", "", "Time the last snapshot took to build.")
BRIDGE_WS_CONNECTIONS = _gauge("bridge_ws_connections", "", "Open WebSockets.")
BRIDGE_WS_OPENED = _counter("bridge_ws_opened", "topic", "WebSockets opened.")
BRIDGE_WS_CLOSED = _counter("bridge_ws_closed", "code", "WebSockets closed, by close code.")
BRIDGE_WS_MESSAGES = _counter("bridge_ws_messages", "direction topic", "WebSocket messages.")
BRIDGE_WS_BYTES = _counter("bridge_ws_bytes", "direction", "WebSocket payload bytes.")
BRIDGE_WS_DROPPED = _counter(
    "bridge_ws_dropped", "reason", "Messages or sockets dropped: slow, ratelimit, auth, shutdown."
)
BRIDGE_WS_FANOUT = _histogram("bridge_ws_fanout_duration_seconds", "", "Tick to last socket written.", LAG_SECONDS)
BRIDGE_WS_QUEUE = _gauge("bridge_ws_queue_messages", "", "Sockets that wait for their peer to read.")
BRIDGE_AUTH_FAILURES = _counter("bridge_auth_failures", "reason", "Refused tokens by reason.")
BRIDGE_RATE_LIMITED = _counter("bridge_rate_limited", "scope", "Requests refused by a rate limit.")
BRIDGE_COMMANDS = _counter("bridge_commands", "action result", "Stream and container commands.")
BRIDGE_CONTAINERS = _gauge("bridge_containers", "state", "Containers by state.")
BRIDGE_HISTORY_WRITES = _counter("bridge_history_writes", "table result", "History rows written.")
BRIDGE_HISTORY_LAG = _gauge("bridge_history_lag_seconds", "", "How far history is behind now.")
BRIDGE_HISTORY_ACTIVE = _gauge("bridge_history_active", "", "Whether this recorder holds the lock and writes.")
BRIDGE_POOL = _gauge("bridge_database_pool_connections", "state", "Database connections: in_use, idle, waiting.")
BRIDGE_STREAM_ENDED = _gauge(
    "bridge_stream_ended", "stream", "1 for a stream that was ended on purpose, while media servers still show it."
)
BRIDGE_ALERTS_RECEIVED = _counter("bridge_alerts_received", "result", "Alerts received from Alertmanager.")

ALL: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
BY_NAME: dict[str, Family] = {family.name: family for family in ALL}
