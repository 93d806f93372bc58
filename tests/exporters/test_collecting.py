"""One collector's failure or slowness hides no other's series."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from exporters.collecting import GuardedCollectors
from exporters.errors import SourceError
from exporters.exposition import Samples, Table
from exporters.metrics import RTMP_UP


class Good:
    name = "good"

    def collect(self) -> Iterable[Table]:
        table = Samples(RTMP_UP)
        table.set(1, "local", "nginx-rtmp")
        return [table]


class Failing:
    name = "failing"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def collect(self) -> Iterable[Table]:
        raise self._error


class Hanging:
    name = "hanging"

    def __init__(self) -> None:
        self.release = threading.Event()
        self.runs = 0

    def collect(self) -> Iterable[Table]:
        self.runs += 1
        self.release.wait(20)
        return []


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "duration" not in sample.name
    }


def test_failures_are_shown_beside_the_series_of_the_others() -> None:
    guard = GuardedCollectors("rtmp", [Failing(SourceError("away", "connect")), Broken(), Good()])
    assert samples("".join(guard.render(False))) == {
        ("livestream_rtmp_up", "local", "nginx-rtmp"): 1.0,
        ("livestream_exporter_collector_success", "rtmp", "failing"): 0.0,
        ("livestream_exporter_collector_success", "rtmp", "broken"): 0.0,
        ("livestream_exporter_collector_success", "rtmp", "good"): 1.0,
    }


class Broken(Failing):
    name = "broken"

    def __init__(self) -> None:
        super().__init__(ZeroDivisionError("a defect"))


def test_a_collector_that_hangs_costs_one_thread_and_hides_nothing() -> None:
    hanging = Hanging()
    guard = GuardedCollectors("rtmp", [hanging, Good()], timeout_seconds=0.05)
    for _ in range(3):
        seen = samples("".join(guard.render(False)))
        assert seen["livestream_exporter_collector_success", "rtmp", "hanging"] == 0.0
        assert seen["livestream_rtmp_up", "local", "nginx-rtmp"] == 1.0
    assert hanging.runs == 1
    hanging.release.set()
