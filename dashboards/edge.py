"""CDN edge: are viewers' requests answered, fast, and from the cache?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BITS, PER_SECOND, RATIO, REQUESTS, SECONDS, bars, heat, lines, stat
from exporters import metrics
from prometheus import objectives, recorded
from prometheus.promql import bits, one_minus, ratio, share, top

VARIABLES = (variables.REGION, variables.CDN, variables.POP, variables.STREAM)
HERE = variables.scope(VARIABLES)
ALL_REQUESTS = HERE.rate(metrics.CDN_REQUESTS)
FAILED = HERE.rate(metrics.CDN_REQUESTS, code_class="~4xx|5xx")
MEDIA = "~segment|part|init"
HITS = "~hit|stale|revalidated"
ERROR_STEPS = thresholds.rising(objectives.EDGE_ERROR_RATIO)
HIT_STEPS = thresholds.falling(objectives.CACHE_HIT_RATIO)


def _by_pop(code_class: str) -> str:
    return share(
        HERE.rate(metrics.CDN_REQUESTS_BY_POP, "pop", code_class=code_class),
        HERE.rate(metrics.CDN_REQUESTS_BY_POP, "pop"),
    )


HEADLINE = Section(
    "Now",
    (
        stat("Requests", REQUESTS, Query(ALL_REQUESTS), "Requests that the edge answers."),
        stat(
            "Egress",
            BITS,
            Query(bits(HERE.rate(metrics.CDN_RESPONSE_BYTES))),
            "What the edge sends to viewers.",
        ),
        stat(
            "Failed",
            RATIO,
            Query(share(FAILED, ALL_REQUESTS)),
            "Share of 4xx and 5xx among all requests; given-up ones are no failures. Red: see which codes and where.",
            ERROR_STEPS,
        ),
        stat(
            "Cache hits",
            RATIO,
            Query(
                share(
                    HERE.rate(metrics.CDN_REQUESTS, kind=MEDIA, cache=HITS),
                    HERE.rate(metrics.CDN_REQUESTS, kind=MEDIA, cache="!none"),
                )
            ),
            "Share of media requests that the edge answers from its cache. Red: the origin carries the audience.",
            HIT_STEPS,
        ),
        stat(
            "Origin offload",
            RATIO,
            Query(one_minus(ratio(HERE.rate(metrics.CDN_ORIGIN_BYTES), HERE.rate(metrics.CDN_RESPONSE_BYTES)))),
            "Share of the bytes sent that the origin did not have to send.",
            HIT_STEPS,
        ),
        stat(
            "Time to first byte p95",
            SECONDS,
            Query(HERE.quantile(0.95, metrics.CDN_TTFB)),
            "The slowest twentieth of requests waits at least this long for the first byte.",
            thresholds.rising(objectives.EDGE_TTFB_P95_SECONDS),
        ),
    ),
)
RATE = Section(
    "Traffic",
    (
        lines(
            "Requests by outcome",
            REQUESTS,
            "Requests by class of status. Aborted: viewers gave up, often because they switched quality or left.",
            Query(HERE.rate(metrics.CDN_REQUESTS, "code_class"), "{{code_class}}"),
            stacked=True,
        ),
        lines(
            "Egress by point of presence",
            BITS,
            "Where the traffic leaves. One place falling to nothing: its viewers are served from elsewhere, or not.",
            Query(bits(top(15, HERE.rate(metrics.CDN_BYTES_BY_POP, "pop"))), "{{pop}}"),
            stacked=True,
        ),
    ),
)
ERRORS = Section(
    "Errors",
    (
        lines(
            "4xx by point of presence",
            RATIO,
            "Share of requests answered 4xx. 404 of segments: deleted too early, or the edge is ahead of the origin.",
            Query(top(15, _by_pop("4xx")), "{{pop}}"),
            steps=ERROR_STEPS,
            width=8,
        ),
        lines(
            "5xx by point of presence",
            RATIO,
            "Share of requests answered 5xx. All places: the origin. One place: take it out of rotation.",
            Query(top(15, _by_pop("5xx")), "{{pop}}"),
            steps=ERROR_STEPS,
            width=8,
        ),
        lines(
            "Worst streams",
            RATIO,
            "Failed share of each stream's requests.",
            Query(top(10, HERE.recorded(recorded.STREAM_FAILED_RATIO)), "{{stream}}"),
            steps=ERROR_STEPS,
            links=(links.STREAM_OF_SERIES,),
            width=8,
        ),
    ),
)
DURATION = Section(
    "Duration",
    (
        lines(
            "Response duration",
            SECONDS,
            "How long the edge takes to answer in full. Segments near their own length cannot play without stalls.",
            Query(HERE.quantile(0.5, metrics.CDN_DURATION), "p50"),
            Query(HERE.quantile(0.95, metrics.CDN_DURATION), "p95"),
            Query(HERE.quantile(0.99, metrics.CDN_DURATION), "p99"),
        ),
        heat(
            "Response duration, spread",
            SECONDS,
            "Two bands are hits and misses; a band that drifts upwards is a resource running out.",
            HERE.rate(metrics.CDN_DURATION, "le", part="bucket"),
        ),
    ),
)
CACHE = Section(
    "Cache and origin",
    (
        lines(
            "Cache hits",
            RATIO,
            "Hit ratio of media by CDN, over 5 minutes.",
            Query(HERE.recorded(recorded.CDN_HIT_RATIO), "{{cdn}}"),
            steps=HIT_STEPS,
            width=8,
        ),
        bars(
            "Cache hits by point of presence",
            RATIO,
            "Places with a low ratio lack an origin shield or have few viewers.",
            Query(
                share(
                    HERE.rate(metrics.CDN_REQUESTS_BY_POP, "pop", cache=HITS),
                    HERE.rate(metrics.CDN_REQUESTS_BY_POP, "pop", cache="!none"),
                ),
                "{{pop}}",
            ),
            HIT_STEPS,
            width=8,
        ),
        lines(
            "Origin requests",
            REQUESTS,
            "What the edge asks of the origin, by class of status. 5xx here are the cause of 5xx at the edge.",
            Query(HERE.rate(metrics.CDN_ORIGIN_REQUESTS, "cdn", "code_class"), "{{cdn}} {{code_class}}"),
            width=8,
        ),
    ),
)
MEASUREMENT = Section(
    "The measurement itself",
    (
        lines(
            "Log lag",
            SECONDS,
            "Age of the newest log record that was counted. Beyond the line: all numbers here are old.",
            Query(HERE.age(metrics.CDN_LOG_WATERMARK, "cdn", "source"), "{{cdn}} {{source}}"),
            steps=thresholds.rising(objectives.LOG_LAG_SECONDS),
            width=8,
        ),
        lines(
            "Log records by result",
            PER_SECOND,
            "Parse errors mean that the log's format changed; late ones went to history alone.",
            Query(HERE.rate(metrics.CDN_LOG_RECORDS, "source", "result"), "{{source}} {{result}}"),
            width=8,
        ),
        lines(
            "Paths without a stream",
            PER_SECOND,
            "Requests whose path names no stream. Many: the path patterns do not fit the URLs.",
            Query(HERE.rate(metrics.CDN_UNMATCHED_PATHS, "cdn"), "{{cdn}}"),
            width=8,
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.EDGE,
    "CDN edge",
    "Are viewers' requests answered, fast, and from the cache?",
    VARIABLES,
    (HEADLINE, RATE, ERRORS, DURATION, CACHE, MEASUREMENT),
)
