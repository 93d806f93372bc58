"""SLO: is each objective kept, and how fast does its error budget burn?"""

from __future__ import annotations

from dashboards import links, thresholds, variables
from dashboards.model import Page, Query, Section
from dashboards.panels import COUNT, NO_UNIT, RATIO, bars, lines, stat, table
from prometheus import external, objectives, recorded
from prometheus.promql import number_of, one_minus, per, top
from prometheus.slo_rules import BURNS

VARIABLES = (variables.SLO,)
HERE = variables.scope(VARIABLES)
BURN_STEPS = thresholds.rising(objectives.BURN_RATE)
BURN_LINES = ((None, thresholds.GOOD), *((burn.factor, thresholds.WARNING) for burn in reversed(BURNS)))


def _burn(window: str) -> str:
    """How many times as fast as granted the budget burns."""
    return per(HERE.recorded(recorded.slo_error_ratio(window)), HERE.recorded(recorded.SLO_BUDGET), "slo")


OVERVIEW = Section(
    "All objectives",
    (
        bars(
            "Budget left",
            RATIO,
            "What is left of the 30-day error budget. Red: freeze risky changes.",
            Query(recorded.SLO_REMAINING, "{{slo}}"),
            thresholds.falling(objectives.BUDGET_LEFT_RATIO),
            width=8,
        ),
        bars(
            "Burn rate over an hour",
            NO_UNIT,
            "1 spends the budget in exactly 30 days; above 14.4 it pages.",
            Query(_burn("1h"), "{{slo}}"),
            BURN_STEPS,
            width=8,
        ),
        table(
            "Budget alerts",
            "Burn alerts that fire. Empty is good.",
            Query(
                number_of(
                    HERE.series(external.ALERTS, alertname="ErrorBudgetBurn", alertstate="firing"), "slo", "severity"
                ),
                column="Firing",
                unit=COUNT,
            ),
            links=(links.ALERT_LIST,),
            width=8,
        ),
    ),
)
EACH = Section(
    "$slo",
    (
        stat(
            "Objective",
            RATIO,
            Query(one_minus(HERE.recorded(recorded.SLO_BUDGET))),
            "The share of good events that is promised over 30 days.",
        ),
        stat(
            "Attained",
            RATIO,
            Query(one_minus(HERE.recorded(recorded.slo_error_ratio("30d")))),
            "The share of good events of the last 30 days, or of the time that Prometheus keeps.",
        ),
        stat(
            "Budget left",
            RATIO,
            Query(HERE.recorded(recorded.SLO_REMAINING)),
            "Below zero the objective is missed.",
            thresholds.falling(objectives.BUDGET_LEFT_RATIO),
        ),
        stat(
            "Burn rate now",
            NO_UNIT,
            Query(_burn("5m")),
            "Over 5 minutes; a page needs this and the hour's above 14.4.",
            BURN_STEPS,
        ),
        lines(
            "Errors now",
            NO_UNIT,
            "Failing events a second (requests), or failing share of live streams and watch time.",
            Query(HERE.recorded(recorded.SLO_ERRORS), "errors"),
            width=8,
        ),
        lines(
            "Burn by window",
            NO_UNIT,
            "The lines are the factors that alert: 14.4 and 6 page, 3 and 1 make a ticket.",
            *(Query(_burn(window), window) for window in ("5m", *(burn.long for burn in BURNS))),
            steps=BURN_LINES,
        ),
        lines(
            "Budget left over time",
            RATIO,
            "A steady slope is use as planned, a cliff an incident.",
            Query(HERE.recorded(recorded.SLO_REMAINING), "left"),
            unbounded=True,
        ),
    ),
    repeat="slo",
)
WORST = Section(
    "Worst contributors",
    (
        table(
            "Streams that cost most",
            "The ten worst of each column; a click leads to the stream.",
            Query(top(10, recorded.STREAM_INGEST_LOST), column="Ingest lost", unit=NO_UNIT),
            Query(top(10, recorded.STREAM_PLAYLIST_STALE), column="Playlist stale", unit=NO_UNIT),
            Query(
                top(10, recorded.STREAM_FAILED_RATIO),
                column="Edge errors",
                unit=RATIO,
                steps=thresholds.rising(objectives.EDGE_ERROR_RATIO),
            ),
            Query(
                top(10, recorded.STREAM_STALL_RATIO),
                column="Stalled",
                unit=RATIO,
                steps=thresholds.rising(objectives.STALL_RATIO),
            ),
            Query(top(10, recorded.STREAM_AVAILABLE), column="Available", unit=RATIO),
            links=(links.STREAM_OF_ROW,),
            width=24,
        ),
    ),
)

PAGE = Page(
    links.SLO,
    "Objectives",
    "Is each objective kept, and how fast does its error budget burn?",
    VARIABLES,
    (OVERVIEW, EACH, WORST),
    time_from="now-7d",
)
