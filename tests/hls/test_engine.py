from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporters import metrics
from exporters.hls.engine import ProbeEngine
from exporters.hls.stream import ProbeOptions
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target
from tests.hls.origin import Origin, media, origin
from tests.servers import wait_until


@pytest.fixture
def site() -> Iterator[Origin]:
    with origin() as one:
        for name in "abc":
            one.pages[f"/{name}.m3u8"] = media(100)
        yield one


def engine(targets: list[Target], max_streams: int = 100, retention: float = 0.0) -> ProbeEngine:
    return ProbeEngine(
        lambda: list(targets),
        HlsTables(),
        options=ProbeOptions(sample_seconds=0.1),
        timeout_seconds=2,
        retention_seconds=retention,
        max_streams=max_streams,
        user_agent="test",
    )


def test_streams_over_the_limit_are_left_out_and_counted_and_followed_ones_stay(site: Origin) -> None:
    targets = [Target(name, "origin", f"{site.url}/{name}.m3u8") for name in "ab"]
    one = engine(targets, max_streams=2)
    one.start()
    try:
        up = one.tables[metrics.HLS_UP]
        wait_until(lambda: up.get("a", "origin") == up.get("b", "origin") == 1, "both streams")
        targets.insert(0, Target("c", "origin", f"{site.url}/c.m3u8"))
        left_out = one.tables[metrics.HLS_TARGETS]
        wait_until(lambda: left_out.get("origin", "left_out") == 1, "the limit")
        assert up.get("c", "origin") is None
        assert left_out.get("origin", "probed") == 2
        targets[:] = targets[:2]
        wait_until(lambda: up.get("c", "origin") == 1, "the third stream, once there is room")
    finally:
        one.stop()


def test_every_series_of_an_ended_stream_goes_after_the_retention(site: Origin) -> None:
    def series() -> list[str]:
        text = "".join(table.render(False) for table in one.tables.all())
        return [line for line in text.splitlines() if 'stream="a"' in line]

    targets = [Target("a", "origin", f"{site.url}/a.m3u8")]
    one = engine(targets, retention=1.5)
    one.start()
    try:
        fetches = one.tables[metrics.HLS_FETCH_ERRORS]
        # The sampled segment is not there, so that error and violation series exist, too.
        wait_until(lambda: (fetches.get("a", "origin", "segment", "http_4xx") or 0) > 0, "a sample")
        wait_until(lambda: one.tables[metrics.HLS_UP].get("a", "origin") == 1, "the stream to be up")
        targets.clear()
        wait_until(lambda: one.tables[metrics.HLS_UP].get("a", "origin") == 0, "the end")
        kept = series()
        assert any("fetches_total" in line for line in kept)
        assert not any("last_change" in line or "violation_active" in line or "_stale{" in line for line in kept)
        wait_until(lambda: series() == [], "all series to go")
    finally:
        one.stop()
