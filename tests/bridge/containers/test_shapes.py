"""The wire shapes of containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.containers.media_stat import MediaStat
from bridge.containers.model import Container, Usage
from bridge.containers.readings import Reading, cpu_ratio
from bridge.containers.shapes import clock_text, data_size

RUNNING = Container("ctr-1", "demo", "acme", "small", 0, "running", 1935, 8080, 0, "h")
USAGE = Usage(time=10, cpu_seconds=1, memory_bytes=50)
STAT = MediaStat(received_bytes=7, sent_bytes=8, connections=1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00"), (59.9, "00:00:59"), (3661, "01:01:01"), (360000, "100:00:00"), (-1, "00:00:00")],
)
def test_durations_are_clock_texts(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (512 << 20, "536.9 MB"), (2e15, "2000.0 TB")]
)
def test_sizes_have_decimal_units(size: float, text: str) -> None:
    assert data_size(size) == text


def test_cpu_use_is_that_between_two_measurements() -> None:
    assert cpu_ratio(None, USAGE) is None
    assert cpu_ratio(USAGE, Usage(time=12, cpu_seconds=2, memory_bytes=0)) == 0.5
    assert cpu_ratio(USAGE, Usage(time=12, cpu_seconds=0.5, memory_bytes=0)) is None


@pytest.mark.parametrize(
    ("reading", "health"),
    [
        (Reading(RUNNING, USAGE, STAT, cpu_ratio=0.1), "healthy"),
        (Reading(RUNNING, USAGE, None, cpu_ratio=0.1), "unhealthy"),
        (Reading(RUNNING, None, None), "unhealthy"),
        (Reading(RUNNING, None, STAT), "healthy"),
        (Reading(replace(RUNNING, state="starting")), "healthy"),
        (Reading(RUNNING, USAGE, STAT, cpu_ratio=0.95), "degraded"),
        (Reading(RUNNING, Usage(10, 1, 95), STAT), "degraded"),
        (Reading(RUNNING, USAGE, STAT, exporter_runs=False), "degraded"),
        (Reading(Container("c", "e", "t", "s", 0, "stopped", 0, 0, 0, "h")), "unhealthy"),
    ],
)
def test_health_follows_answers_limits_and_the_exporter(reading: Reading, health: str) -> None:
    assert reading.health(cpus=1, memory_bytes=100) == health


def test_traffic_is_all_of_it_or_what_the_server_itself_counts() -> None:
    all_of_it = Reading(RUNNING, Usage(10, 1, 50, received_bytes=100, sent_bytes=200), STAT)
    assert (all_of_it.received_bytes, all_of_it.sent_bytes) == (100, 200)
    its_own = Reading(RUNNING, USAGE, STAT)
    assert (its_own.received_bytes, its_own.sent_bytes) == (7, 8)
