"""A page as the JSON that Grafana stores: schema version 42 of its dashboard API, and only keys that it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from dashboards import style
from dashboards.annotations import ANNOTATIONS
from dashboards.layout import flow
from dashboards.model import Page, Variable

SCHEMA_VERSION = 42
SHARED_CROSSHAIR = 1
TAG = "livestream"
REFRESH = "30s"
DASHBOARD_KEYS = frozenset(
    [
        "annotations",
        "description",
        "editable",
        "graphTooltip",
        "links",
        "panels",
        "refresh",
        "schemaVersion",
        "tags",
        "templating",
        "time",
        "timepicker",
        "timezone",
        "title",
        "uid",
    ]
)
PANEL_KEYS = frozenset(
    [
        "collapsed",
        "datasource",
        "description",
        "fieldConfig",
        "gridPos",
        "id",
        "links",
        "options",
        "panels",
        "pluginVersion",
        "repeat",
        "repeatDirection",
        "targets",
        "title",
        "transformations",
        "transparent",
        "type",
    ]
)
ROW_KEYS = frozenset(["collapsed", "gridPos", "id", "panels", "repeat", "title", "type"])
TARGET_KEYS = frozenset(["datasource", "expr", "format", "instant", "legendFormat", "range", "refId"])
FIELD_KEYS = frozenset(["color", "custom", "links", "mappings", "max", "min", "noValue", "thresholds", "unit"])
OPTION_KEYS: Mapping[str, frozenset[str]] = {kind: frozenset(options) for kind, (_, options) in style.KINDS.items()}


def dashboard(page: Page) -> dict[str, Any]:
    """The page's JSON as plain values, its keys in alphabetical order."""
    built = core.Dashboard(
        title=page.title,
        uid=page.uid,
        description=page.description,
        editable=False,
        graphTooltip=SHARED_CROSSHAIR,
        schemaVersion=SCHEMA_VERSION,
        tags=[TAG],
        timezone="utc",
        refresh=REFRESH,
        time=core.Time(page.time_from, "now"),
        templating=core.Templating([_datasource_variable(), *map(_variable, page.variables)]),
        annotations=core.Annotations([dict(one) for one in ANNOTATIONS]),
        links=[_dropdown()],
        panels=_panels(page),
    ).auto_panel_ids()
    plain = json.loads(json.dumps(built.to_json_data(), sort_keys=True, cls=DashboardEncoder))
    return _only(_without_none(plain), DASHBOARD_KEYS) | {"panels": [_panel(one) for one in plain["panels"]]}


def text(page: Page) -> str:
    """The page's JSON as it is kept in ``generated/``."""
    return json.dumps(dashboard(page), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _panels(page: Page) -> list[core.Panel]:
    panels: list[core.Panel] = []
    for placed in flow(page.sections):
        inner = [style.panel(one, place) for one, place in placed.panels]
        panels.append(style.title_line(placed.section, placed.place, inner))
        if not placed.section.collapsed:
            panels += inner
    return panels


def _dropdown() -> core.DashboardLink:
    return core.DashboardLink(
        asDropdown=True, includeVars=True, keepTime=True, tags=[TAG], title="Live streaming", type="dashboards"
    )


def _datasource_variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "current": {},
        "hide": 0,
        "multi": False,
        "includeAll": False,
        "options": [],
        "regex": "",
    }


def _variable(one: Variable) -> dict[str, Any]:
    shown = {"name": one.name, "label": one.label, "hide": 0, "query": one.query}
    if one.kind == "text":
        value = {"selected": True, "text": one.query, "value": one.query}
        return {**shown, "type": "textbox", "current": value, "options": [value]}
    many = one.kind == "many"
    everything = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return {
        **shown,
        "type": "query",
        "query": {"qryType": 1, "query": one.query, "refId": "variable"},
        "datasource": style.DATASOURCE,
        "refresh": 2,
        "multi": many,
        "includeAll": many,
        "allValue": ".*" if many else "",
        "current": everything if many else {},
        "sort": 1,
        "regex": "",
        "options": [],
    }


def _panel(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A panel with the keys that its type has, and nothing that says nothing."""
    if raw["type"] == style.TITLE_PANEL:
        row = _only(_without_none(raw), ROW_KEYS)
        return row | {"panels": [_panel(one) for one in raw["panels"]]}
    panel = _only(_without_none(raw), PANEL_KEYS)
    panel["options"] = _only(panel["options"], OPTION_KEYS[raw["type"]])
    panel["fieldConfig"]["defaults"] = _only(panel["fieldConfig"]["defaults"], FIELD_KEYS)
    # Table cells before Grafana 9.4; cellOptions took its place.
    panel["fieldConfig"]["defaults"]["custom"].pop("displayMode", None)
    # The first threshold's value is null, which says "from the start".
    panel["fieldConfig"]["defaults"]["thresholds"] = raw["fieldConfig"]["defaults"]["thresholds"]
    panel["fieldConfig"]["overrides"] = raw["fieldConfig"]["overrides"]
    panel["targets"] = [_only(_with_range(one), TARGET_KEYS) for one in panel["targets"]]
    return panel


def _with_range(target: dict[str, Any]) -> dict[str, Any]:
    return target | {"range": not target["instant"]}


def _only(raw: Mapping[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key in keys}


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without_none(inner) for inner in value if inner is not None]
    return value
