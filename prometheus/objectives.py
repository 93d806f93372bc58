"""Objectives and thresholds: the one place where a number says what is good enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective: the share of good events (a ratio) over 30 days."""

    name: str
    target: float
    description: str


INGEST_AVAILABILITY = Objective("ingest-availability", 0.999, "Polls of live streams that find them publishing.")
PLAYLIST_FRESHNESS = Objective("playlist-freshness", 0.999, "Time in which live playlists are fresh.")
EDGE_SUCCESS = Objective("edge-success", 0.999, "Edge requests that do not fail.")
STALL_FREE_WATCHING = Objective("stall-free-watching", 0.99, "Watch time that is not stalled.")
BRIDGE_AVAILABILITY = Objective("bridge-availability", 0.999, "Bridge requests that do not fail with 5xx.")
SNAPSHOT_FRESHNESS = Objective("snapshot-freshness", 0.995, "Time in which the bridge's snapshot is fresh.")

OBJECTIVES = (
    INGEST_AVAILABILITY,
    PLAYLIST_FRESHNESS,
    EDGE_SUCCESS,
    STALL_FREE_WATCHING,
    BRIDGE_AVAILABILITY,
    SNAPSHOT_FRESHNESS,
)
SLO_WINDOW_DAYS = 30

# Thresholds as (warning, critical).
PLAYLIST_AGE_TARGET_DURATIONS = (1.5, 3.0)
STALL_RATIO = (0.01, 0.02)
START_FAILURE_RATIO = (0.01, 0.05)
EDGE_ERROR_RATIO = (0.001, 0.01)
CACHE_HIT_RATIO = (0.9, 0.8)
STARTUP_P95_SECONDS = (3.0, 6.0)
LIVE_LATENCY_P95_SECONDS = (15.0, 30.0)
SNAPSHOT_AGE_SECONDS = (10.0, 60.0)
AUDIENCE_DROP_RATIO = 0.5
INGEST_BITRATE_RATIO = 0.6
LOG_LAG_SECONDS = (30.0, 300.0)
HISTORY_LAG_SECONDS = (180.0, 900.0)
BRIDGE_HTTP_P95_SECONDS = (0.25, 1.0)
HOST_CPU_RATIO = (0.7, 0.9)
FRAME_RATE_HERTZ = (24.0, 15.0)
KEYFRAME_INTERVAL_SECONDS = (4.0, 10.0)
REAL_TIME_FACTOR = (0.95, 0.8)
FETCH_P95_SECONDS = (1.0, 3.0)
EDGE_TTFB_P95_SECONDS = (0.2, 1.0)
EXIT_BEFORE_START_RATIO = (0.05, 0.15)
BUDGET_LEFT_RATIO = (0.5, 0.1)
BURN_RATE = (1.0, 14.4)
SCRAPE_SECONDS = (0.5, 2.0)

# Below these an alert keeps quiet: too little happens for a ratio to mean anything.
EDGE_REQUESTS_PER_SECOND_MINIMUM = 1.0
WATCHERS_MINIMUM = 1.0
START_ATTEMPTS_PER_SECOND_MINIMUM = 0.05
AUDIENCE_MINIMUM = 20.0
SLOW_MESSAGES_PER_SOCKET = 0.01
SETTLED_STREAM_SECONDS = 600.0
