"""The query API as a real Prometheus answers it, and what its faults become."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.promapi import Asked, PrometheusApi, PrometheusUnreachableError, QueryRefusedError
from prometheus.queries import Query
from tests import servers


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.prometheus(tmp_path_factory.mktemp("prometheus"), "global: {scrape_interval: 1s}\n") as url:
        yield url


@pytest.mark.live
def test_values_come_by_label_and_what_is_no_number_is_left_out(source: str) -> None:
    asked: list[Asked] = []
    api = PrometheusApi(source, on_asked=asked.append)
    text = (
        'label_replace(vector(5), "stream", "a\\"b", "", "") or label_replace(vector(0)/0, "stream", "nan", "", "")'
        ' or label_replace(vector(1)/0, "stream", "inf", "", "")'
    )
    assert api.instant(Query("q", text), time.time()) == {('a"b',): 5.0}
    assert api.instant(Query("none", "vector(1) > 2", ()), time.time()) == {}
    assert [(one.query, one.result) for one in asked] == [("q", "ok"), ("none", "empty")]
    api.close()


@pytest.mark.live
def test_ranges_come_as_points(source: str) -> None:
    api = PrometheusApi(source)
    assert api.range(Query("q", "vector(time())", ()), 1000, 1020, 10) == {
        (): ((1000.0, 1000.0), (1010.0, 1010.0), (1020.0, 1020.0))
    }
    api.close()


@pytest.mark.live
def test_the_servers_clock_is_told(source: str) -> None:
    api = PrometheusApi(source)
    before = time.time()
    assert before - 1 <= api.now() <= time.time() + 1
    api.close()


@pytest.mark.live
def test_a_text_prometheus_cannot_run_is_refused(source: str) -> None:
    api = PrometheusApi(source)
    with pytest.raises(QueryRefusedError):
        api.instant(Query("bad", "sum("), time.time())
    api.close()


def test_nobody_there_is_unreachable() -> None:
    asked: list[Asked] = []
    api = PrometheusApi(f"http://127.0.0.1:{servers.free_port()}", on_asked=asked.append)
    with pytest.raises(PrometheusUnreachableError):
        api.instant(Query("q", "vector(1)"), time.time())
    assert asked[0].result == "error"
    api.close()


@pytest.mark.live
def test_another_server_is_no_prometheus(tmp_path: Path) -> None:
    from exporters.server import RunningService, Service

    other = RunningService(Service("other", []), ("127.0.0.1", 0)).start()
    api = PrometheusApi(f"http://127.0.0.1:{other.port}")
    with pytest.raises(PrometheusUnreachableError):
        api.instant(Query("q", "vector(1)"), time.time())
    api.close()
    other.stop()
