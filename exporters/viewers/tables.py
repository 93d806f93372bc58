"""The sample tables of the session engine: one attribute a family that grows report by report."""

from __future__ import annotations

from typing import Any

from exporters import metrics
from exporters.exposition import Cell, Histograms, Samples, Table

END_REASONS = ("ended", "quit", "timeout", "error")
CAUSES = ("network", "seek", "ad", "unknown")
CATEGORIES = ("technical", "business")
DIRECTIONS = ("up", "down")


class ViewerTables:
    """Counters and histograms about viewers; they are kept through restarts by the checkpoint."""

    def __init__(self) -> None:
        self.attempts = Samples(metrics.VIEWER_PLAY_ATTEMPTS)
        self.plays = Samples(metrics.VIEWER_PLAYS)
        self.views = Samples(metrics.VIEWER_VIEWS)
        self.ended = Samples(metrics.VIEWER_ENDED_PLAYS)
        self.exits = Samples(metrics.VIEWER_EXITS_BEFORE_START)
        self.start_failures = Samples(metrics.VIEWER_START_FAILURES)
        self.playback_failures = Samples(metrics.VIEWER_PLAYBACK_FAILURES)
        self.errors = Samples(metrics.VIEWER_ERRORS)
        self.watch = Samples(metrics.VIEWER_WATCH_SECONDS)
        self.rebuffer_seconds = Samples(metrics.VIEWER_REBUFFER_SECONDS)
        self.rebuffers = Samples(metrics.VIEWER_REBUFFERS)
        self.rendition_seconds = Samples(metrics.VIEWER_RENDITION_SECONDS)
        self.rendition_bytes = Samples(metrics.VIEWER_RENDITION_BYTES)
        self.switches = Samples(metrics.VIEWER_SWITCHES)
        self.dropped_frames = Samples(metrics.VIEWER_DROPPED_FRAMES)
        self.requests = Samples(metrics.VIEWER_REQUESTS)
        self.engagements = Samples(metrics.VIEWER_ENGAGEMENTS)
        self.engaged = Samples(metrics.VIEWER_ENGAGED_SESSIONS)
        self.revenue = Samples(metrics.VIEWER_REVENUE)
        self.reports = Samples(metrics.VIEWER_REPORTS)
        self.rejected = Samples(metrics.VIEWER_REPORTS_REJECTED)
        self.gaps = Samples(metrics.VIEWER_REPORT_GAPS)
        self.evicted = Samples(metrics.VIEWER_EVICTED)
        self.dropped_series = Samples(metrics.VIEWER_DROPPED_SERIES)
        self.spooled = Samples(metrics.VIEWER_SPOOL_RECORDS)
        self.startup = Histograms(metrics.VIEWER_STARTUP)
        self.durations = Histograms(metrics.VIEWER_SESSION_DURATION)
        self.latency = Histograms(metrics.VIEWER_LIVE_LATENCY)
        self.throughput = Histograms(metrics.VIEWER_THROUGHPUT)
        self.buffer = Histograms(metrics.VIEWER_BUFFER)
        self.request_ttfb = Histograms(metrics.VIEWER_REQUEST_TTFB)
        self.delay = Histograms(metrics.VIEWER_REPORT_DELAY)
        self.all: tuple[Table, ...] = tuple(
            value for value in vars(self).values() if isinstance(value, (Samples, Histograms))
        )
        self.taken: dict[tuple[str, int, str], Cell] = {}

    def count_report(self, transport: str, version: int, result: str) -> None:
        """One report taken, with what came of it: ok, duplicate, late, skewed, superseded, surplus."""
        key = (transport, version, result)
        cell = self.taken.get(key)
        if cell is None:
            cell = self.taken[key] = self.reports.cell(transport, str(version), result)
        cell[1] += 1

    def open_stream(self, label: str) -> None:
        """Show a stream's plain counters as zero from the start, so that a rate sees their first step."""
        for table in (self.attempts, self.views, self.exits, self.dropped_frames, self.engaged, self.rendition_bytes):
            table.cell(label)
        for table, values in (
            (self.ended, END_REASONS),
            (self.start_failures, CATEGORIES),
            (self.playback_failures, CATEGORIES),
            (self.rebuffers, CAUSES),
            (self.rebuffer_seconds, CAUSES),
            (self.switches, DIRECTIONS),
        ):
            for value in values:
                table.cell(label, value)

    def forget_stream(self, label: str) -> None:
        """Remove every series of a stream."""
        for table in self.all:
            if "stream" in table.family.labels:
                table.remove_where("stream", label)

    def state(self) -> dict[str, Any]:
        """All tables as plain values, for a checkpoint."""
        return {table.family.name: table.state() for table in self.all}

    def restore(self, state: dict[str, Any]) -> None:
        """Take a checkpoint back; families that it does not know stay as they are."""
        for table in self.all:
            if table.family.name in state:
                table.restore(state[table.family.name])
        self.taken.clear()
