"""/metrics with 100,000 series: our tables beside prometheus_client's gauges and a custom collector."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from benchmarks.table import Row
from exporters.exposition import Samples, render
from exporters.metrics import Family

FAMILY = Family("livestream_viewers", "gauge", ("stream", "pop", "kind"), "Viewers.")
Key = tuple[str, str, str]


def run(quick: bool) -> list[Row]:
    """CPU milliseconds of one rendering, the median of several, interleaved."""
    series = 10_000 if quick else 100_000
    values = {_key(number): number * 1.5 for number in range(series)}
    candidates = {"tables": _tables(values), "collector": _collector(values), "gauges": _gauges(values)}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(3 if quick else 7):
        for name, candidate in candidates.items():
            begun = time.process_time()
            candidate()
            seconds[name].append(time.process_time() - begun)
    median = {name: statistics.median(times) * 1000 for name, times in seconds.items()}
    peer = f"prometheus_client: collector {median['collector']:.0f} ms, gauges {median['gauges']:.0f} ms"
    return [Row(f"/metrics with {series:,} series", median["tables"], "ms CPU", "≤ 50 ms at 100k", peer)]


def _key(number: int) -> Key:
    return f"ch-{number % 500:03d}", f"p{number // 500 % 50}", f"m{number // 25000}"


def _tables(values: dict[Key, float]) -> Callable[[], object]:
    table = Samples(FAMILY)
    table.replace(values.items())
    return lambda: render([table], False).encode()


def _collector(values: dict[Key, float]) -> Callable[[], object]:
    class Custom(Collector):
        def collect(self) -> Iterator[GaugeMetricFamily]:
            family = GaugeMetricFamily(FAMILY.name, FAMILY.help, labels=FAMILY.labels)
            for labels, value in values.items():
                family.add_metric(labels, value)
            yield family

    registry = CollectorRegistry()
    registry.register(Custom())
    return lambda: generate_latest(registry)


def _gauges(values: dict[Key, float]) -> Callable[[], object]:
    registry = CollectorRegistry()
    gauge = Gauge(FAMILY.name, FAMILY.help, FAMILY.labels, registry=registry)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    return lambda: generate_latest(registry)
