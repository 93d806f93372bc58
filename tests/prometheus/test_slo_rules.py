"""The generated SLO rules follow from the table of objectives and the table of burn rates."""

from __future__ import annotations

from prometheus import slo_rules
from prometheus.objectives import OBJECTIVES


def test_every_objective_has_its_rules_and_no_other() -> None:
    assert [slo.objective for slo in slo_rules.SLOS] == list(OBJECTIVES)


def test_every_window_of_a_burn_alert_is_recorded() -> None:
    recorded = {window for windows in slo_rules.WINDOWS_BY_INTERVAL.values() for window in windows}
    assert {window for burn in slo_rules.BURNS for window in (burn.long, burn.short)} | {"30d"} == recorded


def test_there_are_four_alerts_for_all_objectives_together() -> None:
    alerts = [rule for group in slo_rules.rule_groups()["groups"] for rule in group["rules"] if "alert" in rule]
    assert [(rule["alert"], rule["for"], rule["labels"]["severity"]) for rule in alerts] == [
        ("ErrorBudgetBurn", "2m", "critical"),
        ("ErrorBudgetBurn", "15m", "critical"),
        ("ErrorBudgetBurn", "1h", "warning"),
        ("ErrorBudgetBurn", "3h", "warning"),
    ]
