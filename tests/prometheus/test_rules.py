"""Rule files pass promtool, their unit tests, and the rules of thumb that pint checks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards.pages import PAGES
from prometheus import objectives, slo_rules
from tests.prometheus import rulefiles
from tests.prometheus.expressions import SERIES, read
from tests.prometheus.rulefiles import PROMETHEUS, RULE_FILES, RULE_TESTS, Rule

ALERTS = rulefiles.alerts()
ALERT_IDS = [rule.alert + rule.labels.get("window", "") for rule in ALERTS]
THRESHOLDS = {
    "IngestBitrateLow": (objectives.INGEST_BITRATE_RATIO, objectives.SETTLED_STREAM_SECONDS),
    "PlaylistStale": (objectives.PLAYLIST_AGE_TARGET_DURATIONS[1],),
    "EdgeErrorsHigh": (objectives.EDGE_ERROR_RATIO[1], objectives.EDGE_REQUESTS_PER_SECOND_MINIMUM),
    "CacheHitRatioLow": (objectives.CACHE_HIT_RATIO[1],),
    "ViewersStalling": (objectives.STALL_RATIO[1], objectives.WATCHERS_MINIMUM),
    "StartFailuresHigh": (objectives.START_FAILURE_RATIO[1], objectives.START_ATTEMPTS_PER_SECOND_MINIMUM),
    "AudienceDropped": (objectives.AUDIENCE_DROP_RATIO, objectives.AUDIENCE_MINIMUM),
    "BridgeSnapshotStale": (objectives.SNAPSHOT_AGE_SECONDS[1],),
    "BridgeSlowConsumers": (objectives.SLOW_MESSAGES_PER_SOCKET,),
    "HistoryWritesFailing": (objectives.HISTORY_LAG_SECONDS[1],),
}
"""The numbers of each alert, as prometheus/objectives.py has them."""
MOST_INTERVAL_SECONDS = 300
SCRAPE_SECONDS = 5


def run(*command: str | Path) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def seconds(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([smh])", text).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


def test_promtool_accepts_the_rules_without_a_lint() -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *RULE_FILES)


def test_promtool_accepts_the_configuration(tmp_path: Path) -> None:
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    for name in ("fast/x.yml", "normal/x.yml", "alertmanager.yml"):
        (folder / "targets" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "targets" / name).write_text('- targets: ["127.0.0.1:1"]\n', encoding="utf-8")
    assert "WARNING" not in run("promtool", "check", "config", folder / "prometheus.yml")


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_promtool_passes_the_rules_own_tests(path: Path) -> None:
    run("promtool", "test", "rules", path)


def test_every_alert_has_a_firing_and_a_quiet_case() -> None:
    firing, quiet = set(), set()
    for path in RULE_TESTS:
        for case in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for check in case.get("alert_rule_test", []):
                quiet |= set() if check["exp_alerts"] else {check["alertname"]}
                firing |= {check["alertname"] + one["exp_labels"].get("window", "") for one in check["exp_alerts"]}
    assert sorted(set(ALERT_IDS) - firing) == []
    assert sorted({rule.alert for rule in ALERTS} - quiet - {"ExporterDown"}) == []


def test_the_slo_rules_are_as_generated() -> None:
    assert slo_rules.RULES_FILE.read_text("utf-8") == slo_rules.rules_text()


@pytest.mark.parametrize("rule", ALERTS, ids=ALERT_IDS)
def test_an_alert_can_be_acted_on(rule: Rule) -> None:
    assert rule.alert[0].isupper() and rule.alert.isalnum()
    assert rule.labels["severity"] in ("critical", "warning", "info") and rule.labels["service"] == "livestream"
    assert not any("{{" in value for value in rule.labels.values()), "a label that changes makes a new alert"
    assert "{{" not in rule.annotations["summary"] and not rule.annotations["summary"].endswith(".")
    assert rule.annotations["description"].endswith(".")
    assert rule.annotations["runbook_url"] == f"{{{{ $externalLabels.runbook }}}}#{rule.alert.lower()}"


@pytest.mark.parametrize("rule", ALERTS, ids=ALERT_IDS)
def test_an_alert_compares_and_holds_for_two_scrapes_at_least(rule: Rule) -> None:
    found = read(rule.expr)
    assert found.comparisons > 0
    assert seconds(rule.hold) >= 2 * SCRAPE_SECONDS
    assert not {"topk", "bottomk"} & {name for one in found.selectors for name in one.functions}


@pytest.mark.parametrize("rule", ALERTS, ids=ALERT_IDS)
def test_an_alert_leads_to_a_dashboard_that_exists_and_takes_its_variables(rule: Rule) -> None:
    url = rule.annotations["dashboard_url"].removeprefix("{{ $externalLabels.dashboards }}/d/")
    uid, _, arguments = url.partition("?")
    page = {one.uid: one for one in PAGES}[uid]
    names = {part.partition("=")[0].removeprefix("var-") for part in arguments.split("&") if part}
    assert names <= {variable.name for variable in page.variables}


@pytest.mark.parametrize(("alert", "numbers"), THRESHOLDS.items(), ids=THRESHOLDS)
def test_an_alerts_numbers_are_the_objectives(alert: str, numbers: tuple[float, ...]) -> None:
    expr = next(rule.expr for rule in ALERTS if rule.alert == alert)
    literals = re.sub(r"\[\w+\]|[a-z_:]+\w*|\"[^\"]*\"", " ", expr)
    assert {float(one) for one in re.findall(r"\d+(?:\.\d+)?", literals)} - {0, 1} == {*numbers} - {0, 1}


def test_every_alert_has_its_entry_in_the_runbook_and_no_entry_is_left_over() -> None:
    text = (PROMETHEUS / "runbook.md").read_text("utf-8")
    entries = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(entries) == {rule.alert for rule in ALERTS}
    for name, entry in entries.items():
        assert all(f"**{part}**" in entry for part in ("Means", "Check", "Mend")), name


def test_the_runbook_names_series_that_exist() -> None:
    text = (PROMETHEUS / "runbook.md").read_text("utf-8")
    names = set(re.findall(r"(?:[a-z_]+:)?livestream_\w+(?::\w+)?", text))
    families = {family.name for family, _ in SERIES.values()}
    assert sorted(names - {*SERIES, *families, *rulefiles.recorded_names()}) == []


def test_rates_span_two_scrapes_and_groups_evaluate_within_five_minutes() -> None:
    for rule in rulefiles.rules():
        for selector in read(rule.expr).selectors:
            assert selector.window_seconds is None or selector.window_seconds >= 2 * SCRAPE_SECONDS, rule.record
    assert all(seconds(group["interval"]) <= MOST_INTERVAL_SECONDS for group in rulefiles.groups())


def test_no_rule_divides_inside_an_aggregation_of_ratios() -> None:
    # Averages of averages lie; the playlist age takes a maximum of quotients, which does not.
    allowed = {"stream:livestream_hls_playlist_age_per_target_duration:ratio"}
    dividing = {rule.record for rule in rulefiles.rules() if read(rule.expr).divisions_in_aggregations}
    assert dividing == allowed


def test_matchers_are_neither_empty_nor_anchored_by_hand() -> None:
    for rule in rulefiles.rules():
        for selector in read(rule.expr).selectors:
            for _, operator, value in selector.matchers:
                assert not re.fullmatch(r"\^.*|.*\$|\.\*", value), rule.expr
                if operator.endswith("Re"):
                    assert re.search(r"[|.*+\[]", value), f"{value} needs no regular expression"


def test_a_rule_is_written_once() -> None:
    written = [json.dumps([rule.record, rule.alert, rule.labels], sort_keys=True) for rule in rulefiles.rules()]
    assert len(written) == len(set(written))
