"""Fleet overview: is anything wrong, and where?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BITS, COUNT, RATIO, SECONDS, bars, lines, stat, states, table
from prometheus import external, objectives, recorded
from prometheus.promql import bits, earlier, number_of, top

VARIABLES = (variables.REGION,)
HERE = variables.scope(VARIABLES)
EVERYWHERE = variables.EVERYWHERE
WORST = 10

HEADLINE = Section(
    "Now",
    (
        stat(
            "Live streams",
            COUNT,
            Query(recorded.STREAMS),
            "Streams that are being published. A sudden fall with no event ending: look at RTMP ingest.",
            width=3,
        ),
        stat(
            "Viewers",
            COUNT,
            Query(recorded.VIEWERS),
            "Concurrent viewers of all streams: playing, starting or stalled for less than 5 minutes.",
            links=(links.to(links.AUDIENCE, "Audience"),),
            width=3,
        ),
        stat(
            "Ingest",
            BITS,
            Query(bits(recorded.INGEST_RATE)),
            "What publishers send, over the last minute.",
            links=(links.to(links.INGEST, "RTMP ingest"),),
            width=3,
        ),
        stat(
            "Egress",
            BITS,
            Query(bits(recorded.EDGE_RATE)),
            "What the edge sends to viewers, over the last minute.",
            links=(links.to(links.EDGE, "CDN edge"),),
            width=3,
        ),
        stat(
            "Viewers stalling",
            RATIO,
            Query(recorded.STALL_RATIO),
            "Share of all watch time of the last 5 minutes that was stalled. Red: find the hop in Hop health.",
            thresholds.rising(objectives.STALL_RATIO),
            links=(links.to(links.AUDIENCE, "Audience"),),
        ),
        stat(
            "Edge errors",
            RATIO,
            Query(recorded.FAILED_RATIO),
            "Share of edge requests that failed in the last minute; given-up requests are no failures.",
            thresholds.rising(objectives.EDGE_ERROR_RATIO),
            links=(links.to(links.EDGE, "CDN edge"),),
        ),
        stat(
            "Firing alerts",
            COUNT,
            Query(
                number_of(EVERYWHERE.series(external.ALERTS, alertstate="firing", service="livestream"), "severity"),
                "{{severity}}",
            ),
            "Alerts that fire now, by severity; no data is good news. Each has an entry in the runbook.",
            thresholds.any_is_bad(),
            links=(links.ALERT_LIST,),
        ),
    ),
)
HEALTH = Section(
    "Health",
    (
        states(
            "Hop health",
            "Each hop's processes and media servers answer, and its sources can be read. Start at the first red.",
            Query(recorded.HOP_HEALTHY, "{{hop}}"),
            mappings=thresholds.HEALTH,
            steps=thresholds.none_is_bad(),
            links=(
                links.to(links.INGEST, "RTMP ingest"),
                links.to(links.PACKAGING, "HLS packaging"),
                links.to(links.EDGE, "CDN edge"),
                links.to(links.AUDIENCE, "Audience"),
                links.to(links.BRIDGE, "Bridge"),
            ),
            width=16,
        ),
        bars(
            "Error budget left",
            RATIO,
            "What is left of each objective's 30-day error budget. Below half: stop risky changes.",
            Query(recorded.SLO_REMAINING, "{{slo}}"),
            thresholds.falling(objectives.BUDGET_LEFT_RATIO),
            links=(links.SLO_OF_SERIES,),
            width=8,
        ),
    ),
)
TRAFFIC = Section(
    "Traffic",
    (
        lines(
            "Viewers, now and a week ago",
            COUNT,
            "The audience against the same hour of last week: far below with streams live means they cannot get in.",
            Query(recorded.VIEWERS, "now"),
            Query(earlier(recorded.VIEWERS, "1w"), "a week ago"),
        ),
        lines(
            "Ingest and egress",
            BITS,
            "What comes in and what goes out. Egress falling while viewers stay: the edge is in trouble.",
            Query(bits(recorded.INGEST_RATE), "ingest"),
            Query(bits(recorded.EDGE_RATE), "egress"),
        ),
        table(
            "Worst streams",
            "The ten largest of each column; a click leads to the stream.",
            Query(top(WORST, recorded.STREAM_VIEWERS), column="Viewers", unit=COUNT),
            Query(bits(top(WORST, recorded.STREAM_INGEST_RATE)), column="Bitrate", unit=BITS),
            Query(
                top(WORST, recorded.STREAM_STALL_RATIO),
                column="Stalled",
                unit=RATIO,
                steps=thresholds.rising(objectives.STALL_RATIO),
            ),
            Query(top(WORST, recorded.STREAM_PLAYLIST_AGE), column="Playlist age", unit=SECONDS),
            Query(
                top(WORST, recorded.STREAM_FAILED_RATIO),
                column="Edge errors",
                unit=RATIO,
                steps=thresholds.rising(objectives.EDGE_ERROR_RATIO),
            ),
            links=(links.STREAM_OF_ROW,),
        ),
        states(
            "Exporter targets",
            "Which of our processes Prometheus can scrape. Red: its numbers are missing, restart it.",
            Query(HERE.series(external.UP, service="livestream"), "{{hop}} {{instance}}"),
            mappings={"1": ("up", thresholds.GOOD), "0": ("down", thresholds.CRITICAL)},
            steps=thresholds.none_is_bad(),
            width=12,
        ),
    ),
)

PAGE = Page(
    links.FLEET,
    "Fleet overview",
    "Is anything wrong, and where? Start here.",
    VARIABLES,
    (HEADLINE, HEALTH, TRAFFIC),
)
