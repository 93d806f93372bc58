"""The rules of Grafana's dashboard-linter, and the house's own beyond them."""

from __future__ import annotations

import re

import pytest
from grafana_foundation_sdk.models import units

from dashboards import model
from dashboards.layout import COLUMNS
from dashboards.pages import PAGES
from prometheus import objectives, slo_rules
from tests.dashboards import built
from tests.dashboards.built import DASHBOARDS, UIDS, Json
from tests.prometheus.expressions import RATES, SERIES, read

UNITS = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
AXES = {"region": "region", "server": "target", "endpoint": "endpoint", "cdn": "cdn", "pop": "pop", "stream": "stream"}
"""Variables that scope raw series, and the label of each."""
WAIVERS: dict[str, dict[str, str]] = {
    "scope": {
        "livestream-fleet: Firing alerts A": "alerts of all regions; most have no region",
        "livestream-stream: Alerts A": "alerts have no region",
        "livestream-slo: Budget alerts A": "objectives are of the whole platform",
    },
}
MOST_VISIBLE = 24
PANELS = built.every_panel()
TARGETS = built.every_target()
VARIABLES = built.every_variable()
each_dashboard = pytest.mark.parametrize("one", DASHBOARDS, ids=UIDS)
each_panel = pytest.mark.parametrize(("name", "panel"), PANELS, ids=[name for name, _ in PANELS])
each_target = pytest.mark.parametrize(("name", "target"), TARGETS, ids=[name for name, _ in TARGETS])
each_variable = pytest.mark.parametrize(("name", "variable"), VARIABLES, ids=[name for name, _ in VARIABLES])


# dashboard-linter
@each_dashboard
def test_template_datasource_rule(one: Json) -> None:
    first = one["templating"]["list"][0]
    assert (first["name"], first["label"], first["type"]) == ("datasource", "Data source", "datasource")


@each_variable
def test_template_rules_of_query_variables(name: str, variable: Json) -> None:
    assert variable["label"][0].isupper()
    if variable["type"] != "query":
        return
    assert variable["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert variable["refresh"] == 2, "on time range change"
    assert variable["allValue"] == (".*" if variable["includeAll"] else ""), "also where the label is absent"
    text = variable["query"]["query"]
    assert text.startswith("label_values(") and read(text[len("label_values(") : text.rindex(",")])


@each_panel
def test_panel_title_description_and_targets_rules(name: str, panel: Json) -> None:
    assert panel["title"] and len(panel["description"]) > 10 and panel["description"].endswith(".")
    assert panel["targets"]


@each_panel
def test_panel_units_rule(name: str, panel: Json) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for override in panel["fieldConfig"]["overrides"]:
        assert all(one["value"] in UNITS for one in override["properties"] if one["id"] == "unit")


@each_target
def test_target_rate_interval_rule(name: str, target: Json) -> None:
    for window in re.findall(r"(?:rate|irate)\([^\[]*\[([^\]]+)\]", target["expr"]):
        assert window == "$__rate_interval"
    for window in re.findall(r"increase\([^\[]*\[([^\]]+)\]", target["expr"]):
        assert window == "$__range"


@each_target
def test_target_counter_agg_rule(name: str, target: Json) -> None:
    for selector in read(target["expr"]).selectors:
        if selector.name.endswith("_total"):
            assert selector.functions[-1] in RATES, selector.name


@each_target
def test_raw_selectors_carry_the_dashboards_scope(name: str, target: Json) -> None:
    if name in WAIVERS["scope"]:
        return
    page = next(one for one in DASHBOARDS if name.startswith(one["uid"]))
    variables = {one["name"] for one in page["templating"]["list"]}
    for selector in read(target["expr"]).selectors:
        if ":" not in selector.name:
            labels = {*SERIES[selector.name][0].labels, "region"}
            wanted = {label for variable, label in AXES.items() if variable in variables and label in labels}
            assert wanted <= {label for label, _, _ in selector.matchers}, selector.name


def test_no_waiver_is_left_over() -> None:
    names = {name for name, _ in TARGETS}
    assert {name for waived in WAIVERS.values() for name in waived} <= names


@each_dashboard
def test_uneditable_dashboard(one: Json) -> None:
    assert one["editable"] is False


# The house
@each_dashboard
def test_a_dashboard_is_named_tagged_and_refreshed_like_the_others(one: Json) -> None:
    assert re.fullmatch(r"livestream-[a-z]+", one["uid"]) and len(one["uid"]) <= 40
    assert one["tags"] == ["livestream"] and one["refresh"] == "30s" and one["timezone"] == "utc"
    link = one["links"][0]
    assert (link["asDropdown"], link["tags"], link["includeVars"], link["keepTime"]) == (
        True,
        ["livestream"],
        True,
        True,
    )
    assert [each["name"] for each in one["annotations"]["list"]] == ["Alerts", "Restarts", "Stream starts"]


def test_there_are_eight_dashboards_with_uids_of_their_own() -> None:
    assert len(set(UIDS)) == 8


@each_dashboard
def test_panels_lie_on_the_grid_in_order_without_overlap(one: Json) -> None:
    taken: set[tuple[int, int]] = set()
    for item in one["panels"]:
        place = item["gridPos"]
        assert place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS and place["h"] > 0
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, item["title"]
        taken |= cells
    order = [(item["gridPos"]["y"], item["gridPos"]["x"]) for item in one["panels"]]
    assert order == sorted(order)


@each_dashboard
def test_at_most_24_panels_are_seen_at_once(one: Json) -> None:
    assert sum(item["type"] != "row" for item in one["panels"]) <= MOST_VISIBLE


@each_dashboard
def test_every_variable_is_used_and_every_one_used_exists(one: Json) -> None:
    names = {each["name"] for each in one["templating"]["list"]}
    texts = [target["expr"] for panel in built.panels(one) for target in panel["targets"]]
    texts += [link["url"] for panel in built.panels(one) for link in panel["fieldConfig"]["defaults"]["links"]]
    texts += [item.get("repeat", "") and f"${item['repeat']}" for item in one["panels"]]
    used = {name for text in texts for name in re.findall(r"\$\{?([a-z][a-z]+)\}?", text)} | {"datasource"}
    assert used == names


@each_panel
def test_a_stat_shows_the_present_value_with_thresholds_of_its_own(name: str, panel: Json) -> None:
    if panel["type"] == "stat":
        assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
        assert all(target["instant"] and not target["range"] for target in panel["targets"])
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert panel["fieldConfig"]["defaults"]["noValue"] == "no data"


@each_panel
def test_time_series_begin_at_zero_and_ratios_end_at_one(name: str, panel: Json) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    unbounded = {"Bitrate against its last half hour", "Segment bitrate against BANDWIDTH", "Budget left over time"}
    if panel["type"] != "timeseries" or panel["title"] in unbounded:
        return
    assert defaults["min"] == 0
    assert defaults["unit"] != "percentunit" or defaults["max"] == 1
    assert panel["options"]["legend"]["calcs"] == ["lastNotNull", "max"]


@each_panel
def test_thresholds_are_the_objectives_numbers(name: str, panel: Json) -> None:
    known = {1.0, *(burn.factor for burn in slo_rules.BURNS)}
    for name_, value in vars(objectives).items():
        if name_.isupper() and isinstance(value, tuple | float) and name_ != "OBJECTIVES":
            known |= set(value) if isinstance(value, tuple) else {value}
    known |= {round(1 - one.target, 9) for one in objectives.OBJECTIVES}
    known |= {round(10 * (1 - one.target), 9) for one in objectives.OBJECTIVES}
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert {round(step["value"], 9) for step in steps[1:]} <= known


def test_cross_stream_panels_read_recorded_series() -> None:
    for name, target in TARGETS:
        if name.startswith("livestream-fleet") and "by (stream" in target["expr"]:
            raise AssertionError(f"{name} computes by stream")


@each_panel
def test_every_drill_down_leads_to_a_dashboard_and_variable_that_exist(name: str, panel: Json) -> None:
    variables = {page.uid: {variable.name for variable in page.variables} for page in PAGES}
    for link in panel["fieldConfig"]["defaults"]["links"]:
        target = re.match(r"/d/([a-z-]+)\?", link["url"])
        if target:
            assert set(re.findall(r"var-(\w+)=", link["url"])) <= variables[target[1]]
            assert "${__url_time_range}" in link["url"]
        else:
            assert re.match(r"/alerting/list|\$\{bridge\}/api/", link["url"])


@each_panel
def test_a_table_joins_its_queries_and_names_its_columns(name: str, panel: Json) -> None:
    if panel["type"] == "table":
        assert [one["id"] for one in panel["transformations"]] == ["merge", "organize"]
        names = panel["transformations"][1]["options"]["renameByName"]
        assert len(names) == len(panel["targets"]) and all(names.values())


def test_every_kind_of_panel_is_drawn_somewhere() -> None:
    assert {panel["type"] for _, panel in PANELS} == set(model.DEFAULT_WIDTHS)


def test_the_drill_down_follows_the_path_of_the_picture() -> None:
    rows = [item["title"] for item in DASHBOARDS[UIDS.index("livestream-stream")]["panels"] if item["type"] == "row"]
    assert rows == ["Now", "1 Ingest", "2 Packager", "3 Edge", "4 Viewers", "Who watches"]
