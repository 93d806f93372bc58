"""Counters of what happened to publishes and hooks, shared by the parts that notice it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from exporters import metrics
from exporters.exposition import Histograms, Samples, Table

END_REASONS = ("hook", "gap", "error")
HOOK_RESULTS = {"on_publish": ("allowed", "renamed", "refused", "unchecked"), "auth_publish": ("allowed", "refused")}
START_REASONS = ("hook", "poll", "found")


class Tallies:
    """Starts, ends and lengths of publishes, hooks received, and label sets that met their bound."""

    def __init__(self) -> None:
        self.starts = Samples(metrics.RTMP_PUBLISH_STARTS)
        self.ends = Samples(metrics.RTMP_PUBLISH_ENDS)
        self.durations = Histograms(metrics.RTMP_PUBLISH_DURATION)
        self.hooks = Samples(metrics.RTMP_HOOK_EVENTS)
        self._hooks_lock = threading.Lock()
        self.dropped_series = Samples(metrics.RTMP_DROPPED_SERIES)

    def know_app(self, app: str) -> None:
        """Start an application's counters at 0, so that their first increase shows in a rate."""
        for reason in START_REASONS:
            self.starts.cell(app, reason)
        for reason in END_REASONS:
            self.ends.cell(app, reason)
        self.durations.cell(app)

    def hook(self, event: str, result: str) -> None:
        """Count a hook; the other results of its event start at 0 with the first one."""
        with self._hooks_lock:  # hooks come from many threads
            for other in HOOK_RESULTS.get(event, ()):
                self.hooks.cell(event, other)
            self.hooks.add(1, event, result)

    def tables(self) -> Sequence[Table]:
        return (self.starts, self.ends, self.durations, self.hooks, self.dropped_series)
