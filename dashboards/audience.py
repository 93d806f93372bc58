"""Audience: who watches, and how well does it play?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BITS, COUNT, PER_SECOND, RATIO, SECONDS, heat, lines, stat, table
from exporters import metrics
from prometheus import objectives, recorded
from prometheus.promql import bits, highest, hourly, most, per, share, top, total

VARIABLES = (variables.REGION, variables.STREAM)
HERE = variables.scope(VARIABLES)
VIEWERS = total(HERE.recorded(recorded.STREAM_VIEWERS))
ATTEMPTS = HERE.rate(metrics.VIEWER_PLAY_ATTEMPTS)
WATCH = HERE.rate(metrics.VIEWER_WATCH_SECONDS)
STALLS = "~network|unknown"
FAILURE_STEPS = thresholds.rising(objectives.START_FAILURE_RATIO)
STALL_STEPS = thresholds.rising(objectives.STALL_RATIO)

HEADLINE = Section(
    "Now",
    (
        stat("Viewers", COUNT, Query(VIEWERS), "Concurrent viewers of the chosen streams.", width=3),
        stat(
            "Peak in range",
            COUNT,
            Query(most(highest(HERE.recorded(recorded.STREAM_VIEWERS)))),
            "Most concurrent viewers of one stream within the range shown.",
            width=3,
        ),
        stat(
            "Stalled",
            RATIO,
            Query(most(HERE.recorded(recorded.STREAM_STALL_RATIO))),
            "Stalled share of the watch time of the worst stream. Red: open that stream.",
            STALL_STEPS,
            width=3,
        ),
        stat(
            "Start failures",
            RATIO,
            Query(share(HERE.rate(metrics.VIEWER_START_FAILURES), ATTEMPTS)),
            "Share of attempts to play that fail before a picture. Red: see the errors by class.",
            FAILURE_STEPS,
            width=3,
        ),
        stat(
            "Left before start",
            RATIO,
            Query(share(HERE.rate(metrics.VIEWER_EXITS_BEFORE_START), ATTEMPTS)),
            "Share of attempts that were left after at least a second of waiting. Red: starts are too slow.",
            thresholds.rising(objectives.EXIT_BEFORE_START_RATIO),
            width=3,
        ),
        stat(
            "Startup p95",
            SECONDS,
            Query(HERE.quantile(0.95, metrics.VIEWER_STARTUP)),
            "The slowest twentieth waits at least this long for the first picture.",
            thresholds.rising(objectives.STARTUP_P95_SECONDS),
            width=3,
        ),
        stat(
            "Live latency p50",
            SECONDS,
            Query(HERE.quantile(0.5, metrics.VIEWER_LIVE_LATENCY)),
            "How far the middle viewer is behind live, as players report it.",
            thresholds.rising(objectives.LIVE_LATENCY_P95_SECONDS),
            width=3,
        ),
        stat(
            "Average bitrate",
            BITS,
            Query(bits(per(HERE.rate(metrics.VIEWER_RENDITION_BYTES), WATCH))),
            "What the average second of watching is encoded at.",
            width=3,
        ),
    ),
)
RATE = Section(
    "Coming and going",
    (
        lines(
            "Viewers by stream",
            COUNT,
            "The ten largest audiences.",
            Query(top(10, HERE.recorded(recorded.STREAM_VIEWERS)), "{{stream}}"),
            stacked=True,
            links=(links.STREAM_OF_SERIES,),
        ),
        lines(
            "Joins and leaves",
            PER_SECOND,
            "Attempts to play, pictures shown, and ends by reason. Many timeouts: reports are being lost.",
            Query(ATTEMPTS, "attempts"),
            Query(HERE.rate(metrics.VIEWER_PLAYS), "plays"),
            Query(HERE.rate(metrics.VIEWER_ENDED_PLAYS, "reason"), "{{reason}}"),
        ),
        lines(
            "Viewers by country",
            COUNT,
            "Of all streams, the fifteen largest. One country falling: its networks or its point of presence.",
            Query(top(15, HERE.gauge("sum", metrics.VIEWER_CONCURRENT_BY_COUNTRY, "country")), "{{country}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "Viewers by device",
            COUNT,
            "Of the chosen streams. One kind falling: an app release or a codec.",
            Query(total(HERE.recorded(recorded.STREAM_DEVICES), "device"), "{{device}}"),
            stacked=True,
            width=8,
        ),
        lines(
            "Viewers by rendition",
            COUNT,
            "Of the chosen streams. A shift to low ones: networks or an expensive top rendition.",
            Query(total(HERE.recorded(recorded.STREAM_VARIANTS), "variant"), "{{variant}}"),
            stacked=True,
            width=8,
        ),
    ),
)
QUALITY = Section(
    "Quality",
    (
        lines(
            "Stalled time",
            RATIO,
            "Stalled share of each stream's watch time over 5 minutes; starts, seeks and ads left out.",
            Query(top(10, HERE.recorded(recorded.STREAM_STALL_RATIO)), "{{stream}}"),
            steps=STALL_STEPS,
            links=(links.STREAM_OF_SERIES,),
            width=8,
        ),
        lines(
            "Stalls an hour of watching",
            COUNT,
            "How often a viewer stalls in an hour.",
            Query(hourly(per(HERE.rate(metrics.VIEWER_REBUFFERS, cause=STALLS), WATCH)), "stalls"),
            width=8,
        ),
        lines(
            "Rendition switches",
            PER_SECOND,
            "Down more than up: networks get worse. Many of both: the ladder's steps are too close.",
            Query(HERE.rate(metrics.VIEWER_SWITCHES, "direction"), "{{direction}}"),
            width=8,
        ),
        lines(
            "Startup",
            SECONDS,
            "Play to first picture.",
            Query(HERE.quantile(0.5, metrics.VIEWER_STARTUP), "p50"),
            Query(HERE.quantile(0.95, metrics.VIEWER_STARTUP), "p95"),
            steps=thresholds.rising(objectives.STARTUP_P95_SECONDS),
            width=8,
        ),
        lines(
            "Live latency",
            SECONDS,
            "Distance behind live, as players report it.",
            Query(HERE.quantile(0.5, metrics.VIEWER_LIVE_LATENCY), "p50"),
            Query(HERE.quantile(0.95, metrics.VIEWER_LIVE_LATENCY), "p95"),
            steps=thresholds.rising(objectives.LIVE_LATENCY_P95_SECONDS),
            width=8,
        ),
        heat(
            "Throughput",
            "Bps",
            "Bytes a second that players measure. The band under the lowest rendition are viewers who must stall.",
            HERE.rate(metrics.VIEWER_THROUGHPUT, "le", part="bucket"),
            width=8,
        ),
    ),
)
ERRORS = Section(
    "Errors",
    (
        lines(
            "Player errors",
            PER_SECOND,
            "By class. Network ones follow the edge; decode ones follow an encoder or an app release.",
            Query(HERE.rate(metrics.VIEWER_ERRORS, "error_class"), "{{error_class}}"),
        ),
        table(
            "Worst streams",
            "The ten worst of each column; a click leads to the stream.",
            Query(top(10, HERE.recorded(recorded.STREAM_STALL_RATIO)), column="Stalled", unit=RATIO, steps=STALL_STEPS),
            Query(
                top(10, HERE.recorded(recorded.STREAM_STARTUP_P95)),
                column="Startup p95",
                unit=SECONDS,
                steps=thresholds.rising(objectives.STARTUP_P95_SECONDS),
            ),
            Query(
                top(10, HERE.recorded(recorded.STREAM_START_FAILURE_RATIO)),
                column="Start failures",
                unit=RATIO,
                steps=FAILURE_STEPS,
            ),
            links=(links.STREAM_OF_ROW,),
        ),
    ),
)
MEASUREMENT = Section(
    "The measurement itself",
    (
        lines(
            "Reports taken",
            PER_SECOND,
            "Player reports by transport and result. A transport falling to nothing: its viewers are not counted.",
            Query(HERE.rate(metrics.VIEWER_REPORTS, "transport", "result"), "{{transport}} {{result}}"),
            width=8,
        ),
        lines(
            "Reports refused",
            PER_SECOND,
            "By reason. Clock: players' clocks are wrong; rate: someone floods.",
            Query(HERE.rate(metrics.VIEWER_REPORTS_REJECTED, "reason"), "{{reason}}"),
            width=8,
        ),
        lines(
            "Report delay",
            SECONDS,
            "From a report's own time to its arrival: how old the audience numbers are.",
            Query(HERE.quantile(0.5, metrics.VIEWER_REPORT_DELAY, "transport"), "{{transport}} p50"),
            Query(HERE.quantile(0.95, metrics.VIEWER_REPORT_DELAY, "transport"), "{{transport}} p95"),
            width=8,
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.AUDIENCE,
    "Audience and quality",
    "Who watches, and how well does it play?",
    VARIABLES,
    (HEADLINE, RATE, QUALITY, ERRORS, MEASUREMENT),
)
