"""Series that rules and dashboards read but other software exposes: Prometheus itself, its alerts, Python's client."""

from __future__ import annotations

from exporters.metrics import Family

TARGET_LABELS = ("instance", "job", "service", "hop", "region")
"""Labels that scraping adds to every series (``prometheus.yml`` and its target files)."""

UP = Family("up", "gauge", (), "Whether the last scrape of a target succeeded.")
SCRAPE_DURATION = Family("scrape_duration_seconds", "gauge", (), "Time the last scrape of a target took.")
ALERTS = Family("ALERTS", "gauge", ("alertname", "alertstate", "severity", "stream", "slo"), "Alerts by state.")
PROCESS_START = Family("process_start_time_seconds", "gauge", (), "When the process started.")
PROCESS_CPU = Family("process_cpu_seconds_total", "counter", (), "CPU time of the process.")
PROCESS_MEMORY = Family("process_resident_memory_bytes", "gauge", (), "Memory of the process.")
PROCESS_FDS = Family("process_open_fds", "gauge", (), "Open file descriptors of the process.")
PROCESS_MAX_FDS = Family("process_max_fds", "gauge", (), "Most file descriptors the process may open.")
GC_COLLECTIONS = Family("python_gc_collections_total", "counter", ("generation",), "Garbage collections of Python.")
RULE_FAILURES = Family(
    "prometheus_rule_evaluation_failures_total", "counter", ("rule_group",), "Rules that failed to evaluate."
)

ALL: tuple[Family, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Family))
