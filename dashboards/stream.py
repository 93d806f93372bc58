"""Stream drill-down: one stream along its four hops under one time axis, so that a fault lines up."""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import (
    BITS,
    COUNT,
    HERTZ,
    NO_UNIT,
    PER_SECOND,
    RATIO,
    REQUESTS,
    SECONDS,
    lines,
    stat,
    states,
    table,
)
from exporters import metrics
from prometheus import external, objectives, recorded
from prometheus.promql import below, bits, number_of, share, since

VARIABLES = (variables.REGION, variables.ONE_STREAM, variables.BRIDGE)
HERE = variables.scope(VARIABLES)
AGE_STEPS = thresholds.rising(objectives.PLAYLIST_AGE_TARGET_DURATIONS)
ERROR_STEPS = thresholds.rising(objectives.EDGE_ERROR_RATIO)
STALL_STEPS = thresholds.rising(objectives.STALL_RATIO)


def _recorded(name: str, legend: str = "") -> Query:
    return Query(HERE.recorded(name), legend)


HEADLINE = Section(
    "Now",
    (
        stat(
            "Live",
            NO_UNIT,
            _recorded(recorded.STREAM_UP),
            "Whether the stream is being published.",
            thresholds.none_is_bad(),
            mappings=thresholds.YES_NO,
            links=(links.api("/api/streams/${stream}", "Stream"),),
            width=3,
        ),
        stat(
            "Uptime",
            SECONDS,
            Query(since(HERE.recorded(recorded.STREAM_START))),
            "Time since the present publish began; short on an old stream means it reconnected.",
            width=3,
        ),
        stat(
            "Viewers",
            COUNT,
            _recorded(recorded.STREAM_VIEWERS),
            "Concurrent viewers.",
            links=(
                links.api("/api/v1/analytics/real-time/${stream}", "Numbers"),
                links.api("/api/v1/analytics/comprehensive/${stream}", "History"),
            ),
            width=3,
        ),
        stat(
            "Peak", COUNT, _recorded(recorded.STREAM_PEAK_VIEWERS), "Most viewers at once in this broadcast.", width=3
        ),
        stat(
            "Bitrate",
            BITS,
            Query(bits(HERE.recorded(recorded.STREAM_INGEST_RATE))),
            "What the publisher sends.",
            width=3,
        ),
        stat(
            "Frame rate",
            HERTZ,
            Query(HERE.gauge("max", metrics.RTMP_STREAM_FRAME_RATE)),
            "Frames a second that the publisher declares.",
            thresholds.falling(objectives.FRAME_RATE_HERTZ),
            width=3,
        ),
        stat(
            "Playlist age",
            NO_UNIT,
            _recorded(recorded.STREAM_PLAYLIST_AGE_TARGETS),
            "In target durations: above 3 players run dry.",
            AGE_STEPS,
            width=3,
        ),
        stat(
            "Stalled",
            RATIO,
            _recorded(recorded.STREAM_STALL_RATIO),
            "Stalled share of watch time. Red: the first hop below that turns red is the cause.",
            STALL_STEPS,
            width=3,
        ),
        states(
            "The four hops",
            "Well or not at each hop, in the order of the picture's path. Mend the first that fails.",
            _recorded(recorded.STREAM_UP, "1 ingest"),
            Query(HERE.gauge("min", metrics.HLS_UP), "2 packager"),
            Query(below(HERE.recorded(recorded.STREAM_FAILED_RATIO), f"{objectives.EDGE_ERROR_RATIO[1]:g}"), "3 edge"),
            Query(below(HERE.recorded(recorded.STREAM_STALL_RATIO), f"{objectives.STALL_RATIO[1]:g}"), "4 viewers"),
            mappings=thresholds.HEALTH,
            steps=thresholds.none_is_bad(),
            width=16,
        ),
        table(
            "Alerts",
            "What fires for this stream. Empty is good.",
            Query(
                number_of(
                    variables.scope((variables.ONE_STREAM,)).series(external.ALERTS, alertstate="firing"),
                    "alertname",
                    "severity",
                ),
                column="Firing",
                unit=COUNT,
            ),
            width=8,
        ),
    ),
)
INGEST = Section(
    "1 Ingest",
    (
        lines(
            "Received",
            BITS,
            "The publisher's bitrate. A hole here explains everything below.",
            Query(bits(HERE.recorded(recorded.STREAM_INGEST_RATE)), "received"),
            width=8,
        ),
        lines(
            "Dropped frames and reconnects",
            PER_SECOND,
            "Frames the server drops, and publishes that came back. Either: the publisher's uplink.",
            Query(HERE.rate(metrics.RTMP_STREAM_DROPPED_FRAMES), "dropped frames"),
            Query(HERE.rate(metrics.RTMP_RECONNECTS), "reconnects"),
            width=8,
        ),
        lines(
            "Time since data",
            SECONDS,
            "How long no bytes came although the publisher is connected: a frozen encoder.",
            Query(HERE.age(metrics.RTMP_STREAM_LAST_DATA), "without data"),
            width=8,
        ),
    ),
)
PACKAGER = Section(
    "2 Packager",
    (
        lines(
            "Media published",
            NO_UNIT,
            "Media seconds a second by rendition: 1 is real time.",
            Query(HERE.rate(metrics.HLS_MEDIA_SECONDS, "endpoint", "variant"), "{{endpoint}} {{variant}}"),
            steps=thresholds.falling(objectives.REAL_TIME_FACTOR),
            width=8,
        ),
        lines(
            "Rules broken and probe errors",
            PER_SECOND,
            "Broken rules of the specification, and failed fetches.",
            Query(HERE.rate(metrics.HLS_VIOLATIONS, "rule"), "{{rule}}"),
            Query(HERE.rate(metrics.HLS_FETCH_ERRORS, "endpoint", "reason"), "{{endpoint}} {{reason}}"),
            width=8,
        ),
        lines(
            "Playlist age",
            NO_UNIT,
            "In target durations; a saw tooth up to 1 is healthy.",
            _recorded(recorded.STREAM_PLAYLIST_AGE_TARGETS, "oldest rendition"),
            steps=AGE_STEPS,
            width=8,
        ),
    ),
)
EDGE = Section(
    "3 Edge",
    (
        lines(
            "Requests",
            REQUESTS,
            "Edge requests for this stream by class of status.",
            Query(HERE.rate(metrics.CDN_REQUESTS, "code_class"), "{{code_class}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "Failed requests",
            RATIO,
            "Share of requests that failed. Red while the packager is well: the edge itself.",
            _recorded(recorded.STREAM_FAILED_RATIO, "failed"),
            steps=ERROR_STEPS,
            width=8,
        ),
        lines(
            "Time to first byte",
            SECONDS,
            "Mean over this stream's requests.",
            _recorded(recorded.STREAM_EDGE_TTFB, "mean"),
            steps=thresholds.rising(objectives.EDGE_TTFB_P95_SECONDS),
            width=8,
        ),
    ),
)
VIEWERS = Section(
    "4 Viewers",
    (
        lines(
            "Sessions",
            COUNT,
            "Sessions by what their players do.",
            _recorded(recorded.STREAM_STATES, "{{state}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "Stalled and failed",
            RATIO,
            "Stalled share of watch time, and share of starts that fail.",
            _recorded(recorded.STREAM_STALL_RATIO, "stalled"),
            Query(
                share(HERE.rate(metrics.VIEWER_START_FAILURES), HERE.rate(metrics.VIEWER_PLAY_ATTEMPTS)),
                "start failures",
            ),
            steps=STALL_STEPS,
            width=8,
        ),
        lines(
            "Startup and distance behind live",
            SECONDS,
            "Medians over 5 minutes.",
            _recorded(recorded.STREAM_STARTUP_P50, "startup"),
            _recorded(recorded.STREAM_LATENCY_P50, "behind live, viewers"),
            _recorded(recorded.STREAM_LIVE_EDGE, "behind live, playlist"),
            width=8,
        ),
    ),
)
WHO = Section(
    "Who watches",
    (
        lines(
            "By country",
            COUNT,
            "The twenty largest; _other is the rest.",
            _recorded(recorded.STREAM_COUNTRIES, "{{country}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "By device",
            COUNT,
            "What it is watched on.",
            _recorded(recorded.STREAM_DEVICES, "{{device}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "By rendition",
            COUNT,
            "Which quality they get.",
            _recorded(recorded.STREAM_VARIANTS, "{{variant}}"),
            stacked=True,
            width=8,
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.STREAM,
    "Stream drill-down",
    "Where along its path does this stream fail?",
    VARIABLES,
    (HEADLINE, INGEST, PACKAGER, EDGE, VIEWERS, WHO),
)
