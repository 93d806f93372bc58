"""The JSON is what Grafana stores today: none of grafanalib's outdated defaults is left in it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import export
from dashboards.pages import GENERATED, PAGES, file_of
from tests.dashboards import built
from tests.dashboards.built import DASHBOARDS, UIDS, Json

BANNED = {
    "rows": "a migration of Grafana's once wiped dashboards that have it empty",
    "sharedCrosshair": "takes graphTooltip's place in old schemas",
    "hideControls": "gone since Grafana 5",
    "step": "a target's own resolution",
    "intervalFactor": "halves the resolution",
    "maxDataPoints": "coarsens graphs and widens $__rate_interval",
    "fieldOptions": "bar gauges before Grafana 7",
    "displayMode": "table cells before Grafana 9.4",
    "yaxes": "graphs before Grafana 8",
    "xaxis": "graphs before Grafana 8",
    "dataFormat": "heatmaps before Grafana 9",
    "yBucketBound": "heatmaps before Grafana 9",
    "columns": "tables before Grafana 7",
    "span": "rows before Grafana 5",
    "op": "thresholds before Grafana 7",
    "yaxis": "thresholds before Grafana 7",
    "target": "Graphite's query",
    "metric": "Graphite's query",
}
OF_THE_DATASOURCE = {
    ".annotations.list[].step",
    ".annotations.list[].titleFormat",
    ".annotations.list[].textFormat",
}
"""Keys of Prometheus' annotations, which Grafana's schema leaves to the datasource."""
NEWER_THAN_THE_SDK = {".panels[].options.tooltip.mode", ".panels[].panels[].options.tooltip.mode"}


def keys(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key with the path that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, path
            yield from keys(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, path)


def dropped(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Paths that are in ``before`` and not, or otherwise, in ``after``."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from dropped(value, after[key], f"{path}.{key}") if key in after else [f"{path}.{key}"]
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield path
        for one, other in zip(before, after, strict=False):
            yield from dropped(one, other, f"{path}[]")
    elif before != after:
        yield path


@pytest.mark.parametrize("page", PAGES, ids=UIDS)
def test_the_committed_json_equals_a_fresh_build(page: Any) -> None:
    assert file_of(page).read_text("utf-8") == export.text(page)


def test_there_is_no_json_without_a_page() -> None:
    assert {path.stem for path in GENERATED.glob("*.json")} == set(UIDS)


@pytest.mark.parametrize("one", DASHBOARDS, ids=UIDS)
def test_the_schema_is_the_last_of_grafanas_first_dashboard_api(one: Json) -> None:
    assert one["schemaVersion"] == 42
    assert one["graphTooltip"] == 1, "the shared crosshair survives"


@pytest.mark.parametrize("one", DASHBOARDS, ids=UIDS)
def test_no_outdated_key_is_left(one: Json) -> None:
    found = {(key, path) for key, path in keys(one) if key in BANNED and not path.startswith(".annotations")}
    modern = {("displayMode", path) for key, path in found if path.endswith((".options", ".options.legend"))}
    assert found - modern == set()


@pytest.mark.parametrize("one", DASHBOARDS, ids=UIDS)
def test_the_official_sdk_reads_and_writes_it_without_losing_anything(one: Json) -> None:
    plugins.register_default_plugins()
    after = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(one)))))
    assert set(dropped(one, after)) - OF_THE_DATASOURCE - NEWER_THAN_THE_SDK == set()


@pytest.mark.parametrize(("name", "panel"), built.every_panel(), ids=[name for name, _ in built.every_panel()])
def test_a_panel_says_everything_that_its_type_needs(name: str, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    steps = defaults["thresholds"]["steps"]
    assert steps[0]["value"] is None and all(set(step) == {"color", "value"} for step in steps)
    assert all(isinstance(step["value"], int | float) for step in steps[1:])
    assert [step["value"] for step in steps[1:]] == sorted(step["value"] for step in steps[1:])
    assert panel["fieldConfig"]["overrides"] is not None and panel["pluginVersion"] == "12.0.0"
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    if panel["type"] == "timeseries":
        assert defaults["custom"]["stacking"] in ({"mode": mode, "group": "A"} for mode in ("none", "normal"))
    if panel["type"] == "heatmap":
        assert panel["options"]["calculate"] is False and panel["targets"][0]["format"] == "heatmap"


@pytest.mark.parametrize("one", DASHBOARDS, ids=UIDS)
def test_every_panel_has_an_id_of_its_own(one: Json) -> None:
    ids = [item["id"] for item in built.items(one)]
    assert len(ids) == len(set(ids)) and all(isinstance(number, int) and number > 0 for number in ids)


def test_grafanalib_is_used_by_style_and_export_alone() -> None:
    users = set()
    for path in Path(export.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            users |= {path.name for name in names if name.startswith("grafanalib")}
    assert users == {"style.py", "export.py"}
