"""Bridge: is the app given fresh numbers, fast, by REST and by WebSocket, and is history written?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import BYTES, COUNT, NO_UNIT, PER_SECOND, RATIO, REQUESTS, SECONDS, lines, stat, states
from exporters import metrics
from prometheus import external, objectives
from prometheus.promql import per, share

VARIABLES = (variables.REGION,)
HERE = variables.scope(VARIABLES)
REQUEST_RATE = HERE.rate(metrics.BRIDGE_HTTP_REQUESTS)
AGE_STEPS = thresholds.rising(objectives.SNAPSHOT_AGE_SECONDS)
BRIDGE_ERRORS = (1 - objectives.BRIDGE_AVAILABILITY.target, 10 * (1 - objectives.BRIDGE_AVAILABILITY.target))

HEADLINE = Section(
    "Now",
    (
        stat(
            "Snapshot age",
            SECONDS,
            Query(HERE.age(metrics.BRIDGE_SNAPSHOT_TIME)),
            "How old the numbers are that the app is given. Red: Prometheus does not answer the bridge.",
            AGE_STEPS,
        ),
        stat("Requests", REQUESTS, Query(REQUEST_RATE), "REST requests."),
        stat(
            "Failed requests",
            RATIO,
            Query(share(HERE.rate(metrics.BRIDGE_HTTP_REQUESTS, code_class="5xx"), REQUEST_RATE)),
            "Share of REST requests answered 5xx. Red: see the routes, then the bridge's log by request id.",
            thresholds.rising(BRIDGE_ERRORS),
        ),
        stat(
            "WebSockets",
            COUNT,
            Query(HERE.gauge("sum", metrics.BRIDGE_WS_CONNECTIONS)),
            "Open sockets of all bridges.",
        ),
        stat(
            "History lag",
            SECONDS,
            Query(HERE.gauge("max", metrics.BRIDGE_HISTORY_LAG)),
            "How far history is behind now. Red: the database is away or too slow; nothing is lost yet.",
            thresholds.rising(objectives.HISTORY_LAG_SECONDS),
        ),
        states(
            "Upstreams",
            "Whether Prometheus and the database answered last time.",
            Query(HERE.gauge("min", metrics.BRIDGE_UPSTREAM_UP, "upstream"), "{{upstream}}"),
            mappings=thresholds.YES_NO,
            steps=thresholds.none_is_bad(),
            width=24,
        ),
    ),
)
REST = Section(
    "REST",
    (
        lines(
            "Requests by route",
            REQUESTS,
            "By the route's template, so that ids do not multiply them.",
            Query(HERE.rate(metrics.BRIDGE_HTTP_REQUESTS, "route"), "{{route}}"),
            width=8,
        ),
        lines(
            "Errors by route",
            REQUESTS,
            "4xx: a client's fault or a missing stream; 5xx: ours.",
            Query(
                HERE.rate(metrics.BRIDGE_HTTP_REQUESTS, "route", "code_class", code_class="~4xx|5xx"),
                "{{route}} {{code_class}}",
            ),
            width=8,
        ),
        lines(
            "Duration",
            SECONDS,
            "Live routes answer from memory; historical ones ask the database.",
            Query(HERE.quantile(0.5, metrics.BRIDGE_HTTP_DURATION), "p50"),
            Query(HERE.quantile(0.95, metrics.BRIDGE_HTTP_DURATION), "p95"),
            Query(HERE.quantile(0.99, metrics.BRIDGE_HTTP_DURATION), "p99"),
            steps=thresholds.rising(objectives.BRIDGE_HTTP_P95_SECONDS),
            width=8,
        ),
    ),
)
SOCKETS = Section(
    "WebSockets",
    (
        lines(
            "Opened and closed",
            PER_SECOND,
            "Sockets opened, and closed by close code. 1013: too slow or over capacity; 4401: a token ran out.",
            Query(HERE.rate(metrics.BRIDGE_WS_OPENED, "topic"), "opened {{topic}}"),
            Query(HERE.rate(metrics.BRIDGE_WS_CLOSED, "code"), "closed {{code}}"),
            width=8,
        ),
        lines(
            "Messages",
            PER_SECOND,
            "By direction and topic.",
            Query(HERE.rate(metrics.BRIDGE_WS_MESSAGES, "direction", "topic"), "{{direction}} {{topic}}"),
            width=8,
        ),
        lines(
            "Bytes",
            "Bps",
            "Payload bytes a second by direction.",
            Query(HERE.rate(metrics.BRIDGE_WS_BYTES, "direction"), "{{direction}}"),
            width=8,
        ),
        lines(
            "Dropped",
            PER_SECOND,
            "Messages or sockets dropped, by reason. Slow: clients' networks, or a bridge at its CPU limit.",
            Query(HERE.rate(metrics.BRIDGE_WS_DROPPED, "reason"), "{{reason}}"),
            width=8,
        ),
        lines(
            "Time to the last socket",
            SECONDS,
            "From a tick until the last socket has been written.",
            Query(HERE.quantile(0.95, metrics.BRIDGE_WS_FANOUT), "p95"),
            width=8,
        ),
        lines(
            "Sockets that wait",
            COUNT,
            "Sockets whose peer does not read fast enough.",
            Query(HERE.gauge("sum", metrics.BRIDGE_WS_QUEUE), "waiting"),
            width=8,
        ),
    ),
)
DATA = Section(
    "Where the numbers come from",
    (
        lines(
            "Snapshot age",
            SECONDS,
            "A saw tooth of the tick. Rising: Prometheus is away or slow.",
            Query(HERE.age(metrics.BRIDGE_SNAPSHOT_TIME, "instance"), "{{instance}}"),
            steps=AGE_STEPS,
            width=8,
        ),
        lines(
            "Catalogue queries",
            PER_SECOND,
            "By result. They do not grow with the number of clients.",
            Query(HERE.rate(metrics.BRIDGE_PROMQL_QUERIES, "result"), "{{result}}"),
            width=8,
        ),
        lines(
            "Query and snapshot duration",
            SECONDS,
            "How long Prometheus takes to answer, and the bridge to build a snapshot. Keep both well under the tick.",
            Query(HERE.quantile(0.95, metrics.BRIDGE_PROMQL_DURATION), "query p95"),
            Query(HERE.gauge("max", metrics.BRIDGE_SNAPSHOT_DURATION), "snapshot"),
            width=8,
        ),
        lines(
            "History rows",
            PER_SECOND,
            "Rows written, by table and result. Errors: see the recorder's log and the database.",
            Query(HERE.rate(metrics.BRIDGE_HISTORY_WRITES, "table", "result"), "{{table}} {{result}}"),
            width=8,
        ),
        lines(
            "History lag",
            SECONDS,
            "How far history is behind now.",
            Query(HERE.gauge("max", metrics.BRIDGE_HISTORY_LAG), "lag"),
            steps=thresholds.rising(objectives.HISTORY_LAG_SECONDS),
            width=8,
        ),
        lines(
            "Database connections",
            COUNT,
            "Of the pool, by state. Waiting above none: the pool is too small or queries are slow.",
            Query(HERE.gauge("sum", metrics.BRIDGE_POOL, "state"), "{{state}}"),
            stacked=True,
            width=8,
        ),
    ),
)
PROCESSES = Section(
    "Processes",
    (
        lines(
            "CPU",
            NO_UNIT,
            "CPU seconds a second; 1 is one core full. Our processes use one core at most.",
            Query(HERE.rate(external.PROCESS_CPU, "instance", service="livestream"), "{{instance}}"),
            width=8,
        ),
        lines(
            "Memory",
            BYTES,
            "Resident memory. It should level off; label sets and sessions are bounded.",
            Query(HERE.gauge("max", external.PROCESS_MEMORY, "instance", service="livestream"), "{{instance}}"),
            width=8,
        ),
        lines(
            "File descriptors",
            RATIO,
            "Share of the limit in use. Near 1 no further socket can be opened: raise the limit.",
            Query(
                per(
                    HERE.gauge("max", external.PROCESS_FDS, "instance", service="livestream"),
                    HERE.gauge("max", external.PROCESS_MAX_FDS, "instance", service="livestream"),
                ),
                "{{instance}}",
            ),
            width=8,
        ),
        lines(
            "Garbage collections",
            PER_SECOND,
            "By generation. Many of the oldest: long pauses.",
            Query(HERE.rate(external.GC_COLLECTIONS, "generation", service="livestream"), "generation {{generation}}"),
            width=12,
        ),
        lines(
            "Scrape duration",
            SECONDS,
            "How long each process takes to show its metrics.",
            Query(HERE.gauge("max", external.SCRAPE_DURATION, "instance", service="livestream"), "{{instance}}"),
            steps=thresholds.rising(objectives.SCRAPE_SECONDS),
            width=12,
        ),
    ),
    collapsed=True,
)

PAGE = Page(
    links.BRIDGE,
    "Bridge and WebSockets",
    "Is the app given fresh numbers, fast, and is history written?",
    VARIABLES,
    (HEADLINE, REST, SOCKETS, DATA, PROCESSES),
)
