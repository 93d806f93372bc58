"""Every series that rules, catalogue and dashboards read exists, with the labels and kind that they take it to have."""

from __future__ import annotations

import re

import pytest

from prometheus import recorded
from tests.prometheus import rulefiles
from tests.prometheus.expressions import problems, read

LIFETIME_COUNTS = {
    "stream-rates: stream:livestream_available:ratio": "divides a lifetime count by a lifetime",
    "catalogue: stream_dropped_frames": "shown as a total of the stream",
    "catalogue: stream_reconnects": "shown as a total of the stream",
    "catalogue: rebuffers": "shown as a total of the stream",
}
ALL = [
    *rulefiles.rule_expressions(),
    *rulefiles.catalogue_expressions(),
    *rulefiles.dashboard_expressions(),
]
RECORDED = rulefiles.recorded_names()


@pytest.mark.parametrize(("where", "expr"), ALL, ids=[where for where, _ in ALL])
def test_an_expression_fits_the_vocabulary(where: str, expr: str) -> None:
    found = list(problems(expr, RECORDED))
    assert bool(found) or where not in LIFETIME_COUNTS, f"{where} needs no exception any more"
    lists_labels = ": $" in where
    if where in LIFETIME_COUNTS or lists_labels:
        found = [one for one in found if "without a rate" not in one]
    assert found == []


def test_every_recorded_series_is_read_somewhere() -> None:
    read_names = {selector.name for _, expr in ALL for selector in read(expr).selectors}
    assert sorted(RECORDED - read_names) == []


def test_the_names_of_recorded_series_are_those_of_the_rules() -> None:
    named = {value for name, value in vars(recorded).items() if name.isupper()}
    named |= {recorded.slo_error_ratio(window) for window in ("5m", "1h", "6h", "1d", "3d", "30d")}
    assert sorted(named - RECORDED) == []


def test_recorded_names_are_level_metric_operations() -> None:
    shape = re.compile(r"(cluster|stream|stream_[a-z]+|cdn|hop|slo):livestream_[a-z0-9_]+:[a-z0-9_]+")
    assert [name for name in sorted(RECORDED) if not shape.fullmatch(name)] == []


def test_a_recorded_series_keeps_the_labels_of_its_level() -> None:
    for rule in rulefiles.rules():
        level = rule.record.partition(":")[0]
        outer = read(rule.expr).groupings[:1] if rule.record else []
        if outer and outer[0][1]:
            assert set(outer[0][1]) - {"le"} <= {*level.split("_")}, rule.record
