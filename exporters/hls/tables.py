"""The exporter's sample tables, and the removal of a stream's series from all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import product

from exporters import metrics
from exporters.exposition import Histograms, Samples, Table
from exporters.hls.findings import RULES

GAUGES = (
    metrics.HLS_PLAYLIST_LAST_CHANGE,
    metrics.HLS_PLAYLIST_STALE,
    metrics.HLS_MEDIA_SEQUENCE,
    metrics.HLS_DISCONTINUITY_SEQUENCE,
    metrics.HLS_TARGET_DURATION,
    metrics.HLS_PART_TARGET,
    metrics.HLS_WINDOW_SEGMENTS,
    metrics.HLS_WINDOW_SECONDS,
    metrics.HLS_LIVE_EDGE_LATENCY,
    metrics.HLS_PDT_DRIFT,
    metrics.HLS_VARIANTS,
    metrics.HLS_VARIANT_DRIFT,
    metrics.HLS_VIOLATION_ACTIVE,
    metrics.HLS_DECLARED_RATE,
    metrics.HLS_MEASURED_RATE,
    metrics.HLS_PROBE_BUFFER,
    metrics.HLS_LAST_PROBE,
)
"""What is true of a stream now: withheld as soon as it has ended."""

COUNTERS = (
    metrics.HLS_UP,
    metrics.HLS_FETCHES,
    metrics.HLS_FETCH_ERRORS,
    metrics.HLS_PLAYLIST_STALE_SECONDS,
    metrics.HLS_SEGMENTS,
    metrics.HLS_MEDIA_SECONDS,
    metrics.HLS_VIOLATIONS,
    metrics.HLS_DISCONTINUITIES,
    metrics.HLS_GAPS,
    metrics.HLS_SEQUENCE_RESETS,
    metrics.HLS_SEGMENT_BYTES,
    metrics.HLS_PROBE_REBUFFERS,
    metrics.HLS_PROBE_REBUFFER_SECONDS,
    metrics.HLS_PARTS,
)
"""What was counted, and whether it is up: kept for the retention after the end."""

BY_STREAM = (metrics.HLS_AD_BREAKS, metrics.HLS_AD_BREAK_DELTA)
BY_ENDPOINT = (
    metrics.HLS_EDGE_CACHE,
    metrics.HLS_BLOCKING_RELOAD_ERRORS,
    metrics.HLS_PRELOAD_HINT,
    metrics.HLS_TARGETS,
)
HISTOGRAMS = (
    metrics.HLS_FETCH_DURATION,
    metrics.HLS_TTFB,
    metrics.HLS_SEGMENT_DURATION,
    metrics.HLS_DOWNLOAD_RATIO,
    metrics.HLS_BLOCKING_RELOAD,
    metrics.HLS_PROBE_LAG,
)


ENUMERATIONS: dict[str, tuple[str, ...]] = {
    "rule": tuple(RULES),
    "severity": ("error", "warning", "info"),
    "state": ("declared", "ok", "failing", "stale"),
    "kind": ("multivariant", "media", "segment", "part"),
    "code_class": ("1xx", "2xx", "3xx", "4xx", "5xx"),
    "reason": ("dns", "connect", "tls", "timeout", "http_3xx", "http_4xx", "http_5xx", "truncated", "parse"),
}
"""every value that these labels take"""


class HlsTables:
    """All tables by family: ``tables[metrics.HLS_UP].set(1, "demo", "origin")``."""

    def __init__(self) -> None:
        self._samples = {family.name: Samples(family) for family in (*GAUGES, *COUNTERS, *BY_STREAM, *BY_ENDPOINT)}
        self._histograms = {family.name: Histograms(family) for family in (*HISTOGRAMS, metrics.HLS_PART_INTERVAL)}
        self._variants: dict[tuple[str, str], set[str]] = {}

    def __getitem__(self, family: metrics.Family) -> Samples:
        return self._samples[family.name]

    def histogram(self, family: metrics.Family) -> Histograms:
        return self._histograms[family.name]

    def all(self) -> tuple[Table, ...]:
        return (*self._samples.values(), *self._histograms.values())

    def withhold(self, stream: str, endpoint: str) -> None:
        """Remove what only holds while the stream is live at this endpoint."""
        self._remove(GAUGES, stream, endpoint, self._variants.get((stream, endpoint), set()))

    def name_variant(self, stream: str, endpoint: str, variant: str) -> None:
        """Remember that series with this variant may exist."""
        self._variants.setdefault((stream, endpoint), set()).add(variant)

    def forget_variant(self, stream: str, endpoint: str, variant: str) -> None:
        """Remove every series of one rendition."""
        for family in (*GAUGES, *COUNTERS):
            if family.labels == ("stream", "endpoint", "variant"):
                self[family].remove(stream, endpoint, variant)
        self._variants.get((stream, endpoint), set()).discard(variant)

    def forget(self, stream: str, endpoint: str) -> None:
        """Remove every series of the stream at this endpoint."""
        self._remove((*GAUGES, *COUNTERS), stream, endpoint, self._variants.pop((stream, endpoint), set()))

    def forget_stream(self, stream: str) -> None:
        """Remove the series that name no endpoint, once no endpoint has the stream."""
        for family in BY_STREAM:
            self[family].remove(stream)
        self.histogram(metrics.HLS_PART_INTERVAL).remove_where("stream", stream)

    def _remove(
        self, families: Iterable[metrics.Family], stream: str, endpoint: str, variants: Collection[str]
    ) -> None:
        # By name, not by search: a search through every series would hold up the event loop when many streams end.
        values = {"variant": variants, **ENUMERATIONS}
        for family in families:
            for rest in product(*(values[label] for label in family.labels[2:])):
                self[family].remove(stream, endpoint, *rest)
