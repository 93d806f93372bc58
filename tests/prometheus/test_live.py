"""Every panel, variable and catalogue query answers on real servers that hold every family."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dashboards.model import Page
from dashboards.pages import PAGES
from prometheus import queries
from tests.dashboards.built import DASHBOARDS, Json, panels
from tests.debian import unpacked
from tests.prometheus.backends import filled_prometheus, history_blocks, victoria_metrics
from tests.prometheus.feed import Feed, serving
from tests.servers import instant, wait_until

pytestmark = pytest.mark.live
HISTORY_SECONDS, HISTORY_STEP = 65 * 60, 60
WINDOWS = {"$__rate_interval": "5m", "$__range": "15m", "$__interval": "15s"}


@pytest.fixture(scope="module")
def feed() -> Feed:
    return Feed(time.time() - 2 * 3600)


@pytest.fixture(scope="module")
def feed_port(feed: Feed) -> Iterator[int]:
    with serving(feed) as port:
        yield port


@pytest.fixture(scope="module")
def blocks(feed: Feed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = feed.history(time.time(), HISTORY_SECONDS, HISTORY_STEP)
    return history_blocks(tmp_path_factory.mktemp("history") / "history", text)


@pytest.fixture(scope="module")
def victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with victoria_metrics(tmp_path_factory.mktemp("victoria") / "victoria") as url:
        yield url


@pytest.fixture(scope="module")
def two(feed_port: int, blocks: Path, victoria: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("two") / "prometheus"
    with filled_prometheus(folder, feed_port, blocks, "prometheus", write_to=victoria) as url:
        yield url


@pytest.fixture(scope="module")
def three(feed_port: int, blocks: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("three") / "prometheus"
    with filled_prometheus(folder, feed_port, blocks, str(unpacked("sid", "prometheus") / "usr/bin/prometheus")) as url:
        yield url


@pytest.fixture(params=["two", "three"])
def server(request: pytest.FixtureRequest) -> str:
    """Prometheus 2, then 3."""
    url: str = request.getfixturevalue(request.param)
    return url


def filled_in(text: str) -> str:
    """A dashboard's query as Grafana would send it for the stream ``demo`` and everything else."""
    for name, value in WINDOWS.items():
        text = text.replace(name, value)
    text = text.replace('stream=~"$stream"', 'stream=~"demo"')
    for name in ("region", "server", "endpoint", "cdn", "pop", "slo"):
        text = text.replace(f'"${name}"', '".*"')
    assert "$" not in text, text
    return text


def ask(url: str, path: str, parameters: dict[str, Any]) -> Any:
    """The data of an answer that is 200 and warns of nothing."""
    answer = requests.get(f"{url}/api/v1/{path}", params=parameters, timeout=20)
    content = answer.json()
    assert answer.status_code == 200, f"{parameters}: {content}"
    assert not content.get("warnings") and not content.get("infos"), f"{parameters}: {content}"
    return content["data"]


def target_result(url: str, target: Json) -> Any:
    now = time.time()
    expr = filled_in(target["expr"])
    if target["instant"]:
        return ask(url, "query", {"query": expr, "time": now})["result"]
    return ask(url, "query_range", {"query": expr, "start": now - 900, "end": now, "step": 15})["result"]


@pytest.mark.parametrize("one", DASHBOARDS, ids=[one["uid"] for one in DASHBOARDS])
def test_every_panel_shows_something(server: str, one: Json) -> None:
    empty = [
        f"{panel['title']} {target['refId']}: {filled_in(target['expr'])}"
        for panel in panels(one)
        for target in panel["targets"]
        if not target_result(server, target)
    ]
    assert empty == []


@pytest.mark.parametrize("page", PAGES, ids=[page.uid for page in PAGES])
def test_every_variable_has_values(server: str, page: Page) -> None:
    for variable in page.variables:
        if variable.kind != "text":
            selector, _, label = variable.query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
            parameters = {"match[]": selector, "start": time.time() - 3600, "end": time.time()}
            assert ask(server, f"label/{label}/values", parameters), variable.name


def test_annotations_are_answered(server: str) -> None:
    for annotation in DASHBOARDS[0]["annotations"]["list"]:
        expr = filled_in(annotation["expr"])
        ask(server, "query_range", {"query": expr, "start": time.time() - 900, "end": time.time(), "step": 15})


@pytest.mark.parametrize("query", queries.SNAPSHOT, ids=lambda query: query.name)
def test_every_catalogue_query_has_a_value_by_its_labels(server: str, query: queries.Query) -> None:
    result = ask(server, "query", {"query": query.promql})["result"]
    assert result
    assert all(set(query.labels) <= set(row["metric"]) for row in result)
    keys = [tuple(row["metric"][label] for label in query.labels) for row in result]
    assert len(keys) == len(set(keys)), "its labels tell its results apart"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("query", queries.SNAPSHOT, ids=lambda query: query.name)
def test_victoria_metrics_answers_the_catalogue_like_prometheus(two: str, victoria: str, query: queries.Query) -> None:
    def rows(url: str) -> dict[tuple[str, ...], int]:
        return {tuple(labels[name] for name in query.labels): 1 for labels, _ in instant(url, query.promql)}

    assert wait_until(lambda: rows(victoria) == rows(two) and rows(victoria), f"{query.name} in VictoriaMetrics")


def test_victoria_metrics_gives_the_same_viewers(two: str, victoria: str, feed: Feed) -> None:
    feed.viewers["demo"] = 77

    def viewers(url: str) -> float | None:
        return {labels["stream"]: value for labels, value in instant(url, queries.VIEWERS.promql)}.get("demo")

    wait_until(lambda: viewers(two) == viewers(victoria) == 77, "the same viewers in both")
