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
