"""The house style: a panel as grafanalib's object, with grafanalib's outdated defaults set right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grafanalib import core

from dashboards.layout import Place
from dashboards.model import Link, Panel, PanelKind, Query, Section, Step

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TITLE_PANEL = "row"
PLUGIN_VERSION = "12.0.0"
"""The Grafana whose panels these are: without it, Grafana takes them for ancient ones and converts them."""
LEGEND = {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]}
SHARED_TOOLTIP = {"mode": "multi", "sort": "desc"}
LATEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


class HeatmapPanel(core.Panel):  # type: ignore[misc]
    """A heatmap as Grafana has drawn it since version 9; grafanalib's own emits the one before."""

    def to_json_data(self) -> Any:
        return self.panel_json({"type": "heatmap"})


def panel(one: Panel, place: Place) -> core.Panel:
    """The grafanalib panel of a model panel at its place in the grid."""
    kind, options = KINDS[one.kind]
    return kind(
        title=one.title,
        description=one.description,
        dataSource=DATASOURCE,
        gridPos=grid(place),
        maxDataPoints=None,
        targets=[_target(query, index, one.kind) for index, query in enumerate(one.queries)],
        transformations=_transformations(one),
        extraJson={"pluginVersion": PLUGIN_VERSION, "options": options, "fieldConfig": _field_config(one), "links": []},
    )


def title_line(section: Section, place: Place, inner: Sequence[core.Panel]) -> core.RowPanel:
    """A section's title; a collapsed one holds its panels."""
    return core.RowPanel(
        title=section.title,
        gridPos=grid(place),
        collapsed=section.collapsed,
        panels=list(inner) if section.collapsed else [],
        repeat=core.Repeat(variable=section.repeat or None, direction="h" if section.repeat else None),
        maxDataPoints=None,
    )


def grid(place: Place) -> core.GridPos:
    return core.GridPos(h=place.h, w=place.w, x=place.x, y=place.y)


def steps(of: Sequence[Step]) -> list[dict[str, Any]]:
    """Threshold steps as Grafana's schema wants them: the first has the value null."""
    return [{"color": color, "value": value} for value, color in of]


def _target(query: Query, index: int, kind: PanelKind) -> core.Target:
    latest = kind in ("stat", "table", "bargauge")
    formats = {"table": "table", "heatmap": "heatmap"}
    return core.Target(
        expr=query.expr,
        legendFormat=query.legend or ("{{le}}" if kind == "heatmap" else "__auto"),
        refId=chr(ord("A") + index),
        instant=latest,
        format=formats.get(kind, "time_series"),
        datasource=DATASOURCE,
        intervalFactor=1,
        step=None,
    )


def _field_config(one: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": one.unit,
        "noValue": "no data",
        "color": {"mode": "palette-classic" if one.kind == "timeseries" else "thresholds"},
        "thresholds": {"mode": "absolute", "steps": steps(one.steps or ((None, "green"),))},
        "mappings": _mappings(one.mappings),
        "links": _links(one.links),
        "min": one.minimum,
        "max": one.maximum,
        "custom": _custom(one),
    }
    return {"defaults": defaults, "overrides": _column_overrides(one)}


def _custom(one: Panel) -> dict[str, Any]:
    if one.kind == "timeseries":
        return {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if one.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if one.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if one.steps else "off"},
        }
    if one.kind == "state-timeline":
        return {"lineWidth": 0, "fillOpacity": 80}
    if one.kind == "table":
        return {"align": "auto", "filterable": True, "cellOptions": {"type": "auto"}}
    return {}


def _mappings(of: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    if not of:
        return []
    options = {
        value: {"text": text, "color": color, "index": index} for index, (value, (text, color)) in enumerate(of.items())
    }
    return [{"type": "value", "options": options}]


def _links(of: Sequence[Link]) -> list[dict[str, Any]]:
    return [{"title": link.title, "url": link.url} for link in of]


def _column_overrides(one: Panel) -> list[dict[str, Any]]:
    """Each table column's own unit and colours."""
    overrides = []
    for query in one.queries if one.kind == "table" else ():
        properties: list[dict[str, Any]] = []
        if query.unit:
            properties.append({"id": "unit", "value": query.unit})
        if query.steps:
            properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps(query.steps)}})
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
        if properties:
            matcher = {"id": "byName", "options": query.column}
            overrides.append({"matcher": matcher, "properties": properties})
    return overrides


def _transformations(one: Panel) -> list[dict[str, Any]]:
    """Joins a table's queries on their labels and names their columns."""
    if one.kind != "table":
        return []
    letters = [chr(ord("A") + index) for index in range(len(one.queries))]
    values = [f"Value #{letter}" for letter in letters] if len(letters) > 1 else ["Value"]
    names = {value: query.column for value, query in zip(values, one.queries, strict=True)}
    hidden = {"Time": True, **{column: True for column in one.hidden_columns}}
    return [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": hidden, "indexByName": {}, "renameByName": names}},
    ]


KINDS: Mapping[PanelKind, tuple[Callable[..., core.Panel], dict[str, Any]]] = {
    "stat": (
        core.Stat,
        {
            "reduceOptions": LATEST,
            "graphMode": "none",
            "colorMode": "value",
            "textMode": "auto",
            "justifyMode": "auto",
            "orientation": "auto",
        },
    ),
    "timeseries": (core.TimeSeries, {"legend": LEGEND, "tooltip": SHARED_TOOLTIP}),
    "table": (core.Table, {"showHeader": True, "cellHeight": "sm"}),
    "bargauge": (
        core.BarGauge,
        {"reduceOptions": LATEST, "orientation": "horizontal", "displayMode": "gradient", "showUnfilled": True},
    ),
    "state-timeline": (
        core.StateTimeline,
        {"mergeValues": True, "showValue": "auto", "legend": {**LEGEND, "displayMode": "list", "calcs": []}},
    ),
    "heatmap": (
        HeatmapPanel,
        {
            "calculate": False,
            "cellGap": 1,
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "show": True, "yHistogram": False},
            "yAxis": {"axisPlacement": "left"},
        },
    ),
}
