"""The SLO rules: error ratios over every burn-rate window, budgets and burn alerts, generated from one table.

``python -m prometheus.slo_rules`` writes ``prometheus/rules/slo.yml``. Errors and events of each objective are recorded
over 5 minutes; every longer window sums those, so that it weights events, not time, and costs one series an objective.
The windows and factors are those of the Google SRE workbook, chapter 5 (multiwindow, multi-burn-rate alerts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from prometheus import objectives
from prometheus.objectives import Objective

RULES_FILE = Path(__file__).parent / "rules" / "slo.yml"
HEADER = "# Written by `python -m prometheus.slo_rules` from prometheus/slo_rules.py: change the table there.\n"
ERRORS = "slo:livestream_errors:rate5m"
EVENTS = "slo:livestream_events:rate5m"
BUDGET = "slo:livestream_error_budget:ratio"
REMAINING = "slo:livestream_error_budget_remaining:ratio"


@dataclass(frozen=True, slots=True)
class Slo:
    """An objective and where its errors and events are counted, as PromQL over 5 minutes without labels."""

    objective: Objective
    errors: str
    events: str


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn-rate alert: both windows must burn the budget ``factor`` times as fast as it is granted."""

    long: str
    short: str
    factor: float
    hold: str
    severity: str


SLOS = (
    Slo(
        objectives.INGEST_AVAILABILITY,
        "avg_over_time(cluster:livestream_ingest_lost:sum[5m])",
        "avg_over_time(cluster:livestream_rtmp_stream_up:sum[5m])"
        " + avg_over_time(cluster:livestream_ingest_lost:sum[5m])",
    ),
    Slo(
        objectives.PLAYLIST_FRESHNESS,
        "avg_over_time(cluster:livestream_hls_playlist_stale:sum[5m])",
        "avg_over_time(cluster:livestream_hls_playlist_live:count[5m])",
    ),
    Slo(
        objectives.EDGE_SUCCESS,
        "avg_over_time(cluster:livestream_cdn_failed_requests:rate1m[5m])",
        "avg_over_time(cluster:livestream_cdn_requests:rate1m[5m])",
    ),
    Slo(
        objectives.STALL_FREE_WATCHING,
        "cluster:livestream_viewer_stall_seconds:rate5m",
        "cluster:livestream_viewer_watch_seconds:rate5m + cluster:livestream_viewer_stall_seconds:rate5m",
    ),
    Slo(
        objectives.BRIDGE_AVAILABILITY,
        'sum(rate(livestream_bridge_http_requests_total{code_class="5xx"}[5m]))'
        " or 0 * sum(rate(livestream_bridge_http_requests_total[5m]))",
        "sum(rate(livestream_bridge_http_requests_total[5m]))",
    ),
    Slo(
        objectives.SNAPSHOT_FRESHNESS,
        "avg_over_time(cluster:livestream_bridge_snapshot_stale:max[5m])",
        "clamp_max(count_over_time(cluster:livestream_bridge_snapshot_stale:max[5m]), 1)",
    ),
)
BURNS = (
    Burn("1h", "5m", 14.4, "2m", "critical"),
    Burn("6h", "30m", 6, "15m", "critical"),
    Burn("1d", "2h", 3, "1h", "warning"),
    Burn("3d", "6h", 1, "3h", "warning"),
)
WINDOWS_BY_INTERVAL = {"30s": ("5m", "30m", "1h"), "1m": ("2h", "6h"), "2m": ("1d", "3d", "30d")}


def ratio_series(window: str) -> str:
    """The recorded error ratio of every objective over ``window``."""
    return f"slo:livestream_errors_per_events:ratio_rate{window}"


def rule_groups() -> dict[str, Any]:
    """All SLO groups, as the YAML file holds them."""
    groups = [_group("slo-events", "30s", [rule for slo in SLOS for rule in _event_rules(slo)])]
    for interval, windows in WINDOWS_BY_INTERVAL.items():
        groups.append(_group(f"slo-ratios-{interval}", interval, [_ratio_rule(window) for window in windows]))
    groups[-1]["rules"].append({"record": REMAINING, "expr": f"1 - {ratio_series('30d')} / on (slo) {BUDGET}"})
    groups.append(_group("slo-alerts", "30s", [_burn_alert(burn) for burn in BURNS]))
    return {"groups": groups}


def rules_text() -> str:
    """The rule file's whole text."""
    return HEADER + yaml.safe_dump(rule_groups(), sort_keys=False, width=1000, allow_unicode=True)


def _group(name: str, interval: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": interval, "rules": rules}


def _event_rules(slo: Slo) -> list[dict[str, Any]]:
    labels: Mapping[str, str] = {"slo": slo.objective.name}
    return [
        {"record": BUDGET, "expr": f"vector({round(1 - slo.objective.target, 6)})", "labels": dict(labels)},
        {"record": ERRORS, "expr": slo.errors, "labels": dict(labels)},
        {"record": EVENTS, "expr": slo.events, "labels": dict(labels)},
    ]


def _ratio_rule(window: str) -> dict[str, Any]:
    expr = f"{ERRORS} / ({EVENTS} > 0)"
    if window != "5m":
        expr = f"sum_over_time({ERRORS}[{window}]) / (sum_over_time({EVENTS}[{window}]) > 0)"
    return {"record": ratio_series(window), "expr": expr}


def _burn_alert(burn: Burn) -> dict[str, Any]:
    windows = [f"{ratio_series(window)} > on (slo) {burn.factor:g} * {BUDGET}" for window in (burn.long, burn.short)]
    return {
        "alert": "ErrorBudgetBurn",
        "expr": " and on (slo) ".join(f"({one})" for one in windows),
        "for": burn.hold,
        "labels": {"severity": burn.severity, "service": "livestream", "window": burn.long},
        "annotations": {
            "summary": "An error budget burns too fast",
            "description": (
                f"{{{{ $labels.slo }}}} fails {{{{ $value | humanizePercentage }}}} of its events over {burn.long}:"
                f" more than {burn.factor:g} times what its 30-day budget grants."
            ),
            "dashboard_url": "{{ $externalLabels.dashboards }}/d/livestream-slo?var-slo={{ $labels.slo }}",
            "runbook_url": "{{ $externalLabels.runbook }}#errorbudgetburn",
        },
    }


if __name__ == "__main__":
    RULES_FILE.write_text(rules_text(), encoding="utf-8")
