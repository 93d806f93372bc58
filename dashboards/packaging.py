"""HLS packaging: do playlists grow in time, with all renditions and valid segments?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BITS, COUNT, NO_UNIT, PER_SECOND, RATIO, SECONDS, heat, lines, stat, states
from exporters import metrics
from prometheus import objectives, recorded
from prometheus.promql import bits, equals, most, number_of, per, top, zero_if_none

VARIABLES = (variables.REGION, variables.ENDPOINT, variables.STREAM)
HERE = variables.scope(VARIABLES)
BY = ("stream", "endpoint")
AGE_STEPS = thresholds.rising(objectives.PLAYLIST_AGE_TARGET_DURATIONS)

FRESHNESS = Section(
    "Freshness",
    (
        stat(
            "Live playlists",
            COUNT,
            Query(recorded.PLAYLISTS_LIVE),
            "Streams that are published and have a playlist.",
            width=6,
        ),
        stat(
            "Stale playlists",
            COUNT,
            Query(recorded.PLAYLISTS_STALE),
            "Of those, the ones that got no new segment for 1.5 target durations. Red: players run dry.",
            thresholds.any_is_bad(),
            width=6,
        ),
        stat(
            "Oldest playlist",
            NO_UNIT,
            Query(most(HERE.recorded(recorded.STREAM_PLAYLIST_AGE_TARGETS))),
            "Age in target durations: about 1 is usual, above 3 players stall.",
            AGE_STEPS,
            width=6,
        ),
        stat(
            "Failing endpoints",
            COUNT,
            Query(zero_if_none(number_of(equals(HERE.series(metrics.HLS_UP), 0)))),
            "Streams' endpoints without a valid and fresh playlist. The probe errors below say why.",
            thresholds.any_is_bad(),
            width=6,
        ),
        lines(
            "Playlist age",
            NO_UNIT,
            "Age of the oldest playlist of each stream in target durations; a healthy one is a saw tooth up to 1.",
            Query(top(10, HERE.recorded(recorded.STREAM_PLAYLIST_AGE_TARGETS)), "{{stream}}"),
            steps=AGE_STEPS,
            links=(links.STREAM_OF_SERIES,),
        ),
        lines(
            "Real-time factor",
            NO_UNIT,
            "Media seconds published a second. Below 1 the packager or transcoder does not keep up with live.",
            Query(HERE.rate(metrics.HLS_MEDIA_SECONDS, "stream", "endpoint", "variant"), "{{stream}} {{variant}}"),
            steps=thresholds.falling(objectives.REAL_TIME_FACTOR),
        ),
    ),
)
SEGMENTS = Section(
    "Segments and renditions",
    (
        heat(
            "Segment duration",
            SECONDS,
            "Listed durations. They should lie in one narrow band under the target duration.",
            HERE.rate(metrics.HLS_SEGMENT_DURATION, "le", part="bucket"),
        ),
        lines(
            "Segments published",
            PER_SECOND,
            "New segments. One rendition below the others: its transcoder lags.",
            Query(HERE.rate(metrics.HLS_SEGMENTS, "stream", "variant"), "{{stream}} {{variant}}"),
        ),
        lines(
            "Segment bitrate against BANDWIDTH",
            RATIO,
            "Above 1 players choose renditions that their network cannot carry: correct the declared BANDWIDTH.",
            Query(
                per(
                    HERE.gauge("max", metrics.HLS_MEASURED_RATE, "stream", "variant"),
                    HERE.gauge("max", metrics.HLS_DECLARED_RATE, "stream", "variant"),
                ),
                "{{stream}} {{variant}}",
            ),
            unbounded=True,
        ),
        lines(
            "Measured bitrate",
            BITS,
            "The peak rate of each rendition's segments.",
            Query(
                bits(HERE.gauge("max", metrics.HLS_MEASURED_RATE, "stream", "variant")),
                "{{stream}} {{variant}}",
            ),
        ),
        states(
            "Ladder complete",
            "Share of the declared renditions that are well. Less than all: some viewers cannot get their quality.",
            Query(
                per(
                    HERE.gauge("sum", metrics.HLS_VARIANTS, *BY, state="ok"),
                    HERE.gauge("sum", metrics.HLS_VARIANTS, *BY, state="declared"),
                ),
                "{{stream}} {{endpoint}}",
            ),
            mappings={"1": ("complete", thresholds.GOOD)},
            steps=thresholds.none_is_bad(),
        ),
    ),
)
ERRORS = Section(
    "Errors",
    (
        lines(
            "Rules broken",
            PER_SECOND,
            "Violations of the HLS specification as they begin, by rule. `python -m exporters hls validate` explains.",
            Query(HERE.rate(metrics.HLS_VIOLATIONS, "rule", "severity"), "{{rule}} {{severity}}"),
            width=8,
        ),
        lines(
            "Probe errors",
            PER_SECOND,
            "Requests of the probe that failed, by kind and reason. The edge alone: look there, not at the packager.",
            Query(
                HERE.rate(metrics.HLS_FETCH_ERRORS, "endpoint", "kind", "reason"), "{{endpoint}} {{kind}} {{reason}}"
            ),
            width=8,
        ),
        lines(
            "Discontinuities, gaps and restarts",
            PER_SECOND,
            "Breaks in the timeline. Restarts of the media sequence mean the packager or publisher began anew.",
            Query(HERE.rate(metrics.HLS_DISCONTINUITIES, "stream"), "{{stream}} discontinuities"),
            Query(HERE.rate(metrics.HLS_GAPS, "stream"), "{{stream}} gaps"),
            Query(HERE.rate(metrics.HLS_SEQUENCE_RESETS, "stream"), "{{stream}} restarts"),
            width=8,
        ),
    ),
)
DURATION = Section(
    "The probe itself",
    (
        lines(
            "Fetch duration",
            SECONDS,
            "How long playlists and segments take to fetch. Near the target duration: players cannot keep up.",
            Query(HERE.quantile(0.5, metrics.HLS_FETCH_DURATION, "endpoint", "kind"), "{{endpoint}} {{kind}} p50"),
            Query(HERE.quantile(0.95, metrics.HLS_FETCH_DURATION, "endpoint", "kind"), "{{endpoint}} {{kind}} p95"),
            steps=thresholds.rising(objectives.FETCH_P95_SECONDS),
        ),
        lines(
            "Probe age",
            SECONDS,
            "Time since each stream was last probed. Growing: the probe is overloaded, its numbers are old.",
            Query(HERE.age(metrics.HLS_LAST_PROBE, "endpoint"), "{{endpoint}}"),
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.PACKAGING,
    "HLS packaging",
    "Do playlists grow in time, with all renditions and valid segments?",
    VARIABLES,
    (FRESHNESS, SEGMENTS, ERRORS, DURATION),
)
