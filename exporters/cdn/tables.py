"""The CDN families of this exporter, all of them held back until the checkpoint has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporters import metrics
from exporters.cdn.held import HeldCounters, HeldHistograms, SeriesRow
from exporters.exposition import Labels, Samples, Table


class DeliveryTables:
    """Every series that comes from log records, and the gauges about the logs themselves."""

    def __init__(self) -> None:
        self.requests = HeldCounters(metrics.CDN_REQUESTS)
        self.response_bytes = HeldCounters(metrics.CDN_RESPONSE_BYTES)
        self.request_bytes = HeldCounters(metrics.CDN_REQUEST_BYTES)
        self.by_code = HeldCounters(metrics.CDN_RESPONSES_BY_CODE)
        self.by_country = HeldCounters(metrics.CDN_REQUESTS_BY_COUNTRY)
        self.bytes_by_country = HeldCounters(metrics.CDN_BYTES_BY_COUNTRY)
        self.by_pop = HeldCounters(metrics.CDN_REQUESTS_BY_POP)
        self.bytes_by_pop = HeldCounters(metrics.CDN_BYTES_BY_POP)
        self.by_protocol = HeldCounters(metrics.CDN_REQUESTS_BY_PROTOCOL)
        self.first_byte = HeldHistograms(metrics.CDN_TTFB)
        self.duration = HeldHistograms(metrics.CDN_DURATION)
        self.stream_first_byte_seconds = HeldCounters(metrics.CDN_STREAM_TTFB_SECONDS)
        self.stream_first_byte_requests = HeldCounters(metrics.CDN_STREAM_TTFB_REQUESTS)
        self.origin_requests = HeldCounters(metrics.CDN_ORIGIN_REQUESTS)
        self.origin_bytes = HeldCounters(metrics.CDN_ORIGIN_BYTES)
        self.origin_duration = HeldHistograms(metrics.CDN_ORIGIN_DURATION)
        self.aborts = HeldCounters(metrics.CDN_CLIENT_ABORTS)
        self.slow = HeldCounters(metrics.CDN_SLOW_RESPONSES)
        self.records = HeldCounters(metrics.CDN_LOG_RECORDS)
        self.fallback = HeldCounters(metrics.CDN_LOG_FALLBACK)
        self.watermark = HeldCounters(metrics.CDN_LOG_WATERMARK)
        self.delay = HeldHistograms(metrics.CDN_LOG_DELAY)
        self.unmatched = HeldCounters(metrics.CDN_UNMATCHED_PATHS)
        self.dropped_series = HeldCounters(metrics.CDN_DROPPED_SERIES)
        self.handoff = HeldCounters(metrics.CDN_HANDOFF_RECORDS)
        self.sampling = Samples(metrics.CDN_LOG_SAMPLING)
        self.offset = Samples(metrics.CDN_LOG_OFFSET)
        self.backlog = Samples(metrics.CDN_LOG_BACKLOG)
        self.handoff_lag = Samples(metrics.CDN_HANDOFF_LAG)
        for result in ("taken", "refused", "dropped"):
            self.handoff.cell(result)
        self._held: dict[str, HeldCounters | HeldHistograms] = {
            one.public.family.name: one
            for one in vars(self).values()
            if isinstance(one, (HeldCounters, HeldHistograms))
        }

    def changed(self) -> Iterator[SeriesRow]:
        """Every series that has been counted since it was last shown."""
        for held in self._held.values():
            yield from held.changed()

    def publish(self) -> None:
        """Show what has been counted."""
        for held in self._held.values():
            held.publish()

    def restore(self, rows: Iterable[SeriesRow]) -> None:
        """Take the series of a checkpoint back; families that are no more are left out."""
        by_family: dict[str, list[tuple[Labels, object]]] = {}
        for family, labels, value in rows:
            by_family.setdefault(family, []).append((labels, value))
        for family, restored in by_family.items():
            held = self._held.get(family)
            if held is not None:
                held.restore([row for row in restored if len(row[0]) == len(held.public.family.labels)])

    def label_names(self, family: str) -> Labels:
        """The label names of a family that is counted here, none of any other."""
        held = self._held.get(family)
        return held.public.family.labels if held else ()

    def remove_stream(self, stream: str) -> list[tuple[str, Labels]]:
        """Remove every series of an ended stream; gives their families and label values."""
        return [
            (name, labels)
            for name, held in self._held.items()
            if isinstance(held, HeldCounters) and "stream" in held.public.family.labels
            for labels in held.public.remove_where("stream", stream)
        ]

    def public(self) -> list[Table]:
        """What a scrape sees."""
        held: list[Table] = [one.public for one in self._held.values()]
        return [*held, self.sampling, self.offset, self.backlog, self.handoff_lag]
