"""The project's rule files and everything that reads their series, for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dashboards.export import dashboard
from dashboards.pages import PAGES
from prometheus import queries

PROMETHEUS = Path(__file__).parents[2] / "prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RULE_TESTS = sorted((Path(__file__).parents[1] / "rules").glob("*.yml"))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a file: a recording one by ``record``, an alert by ``alert``."""

    group: str
    expr: str
    record: str = ""
    alert: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    hold: str = ""


def groups() -> list[dict[str, Any]]:
    return [group for path in RULE_FILES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]


def rules() -> list[Rule]:
    return [
        Rule(
            group["name"],
            rule["expr"],
            rule.get("record", ""),
            rule.get("alert", ""),
            rule.get("labels", {}),
            rule.get("annotations", {}),
            rule.get("for", ""),
        )
        for group in groups()
        for rule in group["rules"]
    ]


def alerts() -> list[Rule]:
    return [rule for rule in rules() if rule.alert]


def recorded_names() -> set[str]:
    return {rule.record for rule in rules() if rule.record}


def panels(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All panels of a dashboard, those inside collapsed rows as well."""
    for item in items:
        yield item
        yield from panels(item.get("panels", []))


def dashboard_expressions() -> Iterator[tuple[str, str]]:
    """Each dashboard query with where it stands: panels, variables, annotations."""
    for page in PAGES:
        built = dashboard(page)
        for panel in panels(built["panels"]):
            for target in panel.get("targets", []):
                yield f"{page.uid}: {panel['title']}", target["expr"]
        for annotation in built["annotations"]["list"]:
            yield f"{page.uid}: annotation {annotation['name']}", annotation["expr"]
        for variable in built["templating"]["list"]:
            if variable["type"] == "query":
                text = variable["query"]["query"]
                yield f"{page.uid}: ${variable['name']}", text.removeprefix("label_values(").rpartition(",")[0]


def rule_expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield f"{rule.group}: {rule.record or rule.alert}", rule.expr


def catalogue_expressions() -> Iterator[tuple[str, str]]:
    for query in queries.SNAPSHOT:
        yield f"catalogue: {query.name}", query.promql
