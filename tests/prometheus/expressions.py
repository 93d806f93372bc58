"""Reads PromQL for the tests: which series it selects, how it uses them, and what it groups by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser as promql

from exporters.metrics import ALL, Family
from prometheus import external
from prometheus.external import TARGET_LABELS

WINDOWS = {"$__rate_interval": "4242s", "$__range": "4243s", "$__interval": "4244s"}
RATES = frozenset({"rate", "irate", "increase"})
FAMILIES = (*ALL, *external.ALL)
SERIES: dict[str, tuple[Family, str]] = {
    name: (family, name.removeprefix(family.name).lstrip("_")) for family in FAMILIES for name in family.sample_names()
}
"""Series name → its family and, of a histogram, the part."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A series selector within an expression: its matchers as (label, operator, value), and the functions around it."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]
    functions: tuple[str, ...]
    window_seconds: float | None


@dataclass(slots=True)
class Expression:
    """What an expression is made of."""

    selectors: list[Selector] = field(default_factory=list)
    groupings: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """Aggregation operators and the labels they keep."""
    comparisons: int = 0
    divisions_in_aggregations: int = 0
    rates_of_expressions: int = 0


def expand(text: str) -> str:
    """The text with Grafana's windows and variables replaced by something that parses."""
    for name, value in WINDOWS.items():
        text = text.replace(name, value)
    return re.sub(r"\$\{?\w+\}?", ".*", text)


def read(text: str) -> Expression:
    """Parse PromQL; raises ValueError when it is not."""
    found = Expression()
    _walk(promql.parse(expand(text)), (), found)
    return found


def _walk(node: Any, functions: tuple[str, ...], found: Expression) -> None:
    match node:
        case promql.VectorSelector():
            found.selectors.append(_selector(node, functions, None))
        case promql.MatrixSelector():
            found.selectors.append(_selector(node.vector_selector, functions, node.range.total_seconds()))
        case promql.Call():
            for argument in node.args:
                _walk(argument, (*functions, node.func.name), found)
        case promql.AggregateExpr():
            by = tuple(node.modifier.labels) if node.modifier else ()
            found.groupings.append((str(node.op), by))
            _walk(node.expr, (*functions, str(node.op)), found)
        case promql.BinaryExpr():
            _binary(node, functions, found)
        case promql.SubqueryExpr():
            found.rates_of_expressions += bool(functions and functions[-1] in RATES)
            _walk(node.expr, functions, found)
        case promql.ParenExpr() | promql.UnaryExpr():
            _walk(node.expr, functions, found)


def _binary(node: Any, functions: tuple[str, ...], found: Expression) -> None:
    operator = str(node.op)
    if operator in ("==", "!=", ">", "<", ">=", "<="):
        found.comparisons += 1
    if operator == "/" and functions and functions[-1] in ("sum", "avg", "min", "max"):
        found.divisions_in_aggregations += 1
    for side in (node.lhs, node.rhs):
        _walk(side, (*functions, operator), found)


def _selector(node: Any, functions: tuple[str, ...], window: float | None) -> Selector:
    matchers = tuple((one.name, str(one.op), one.value) for one in node.matchers.matchers)
    return Selector(node.name or "", matchers, functions, window)


def problems(text: str, recorded: set[str]) -> Iterator[str]:
    """What is wrong with an expression against the vocabulary and the recorded names."""
    try:
        found = read(text)
    except ValueError as error:
        yield f"does not parse: {error}"
        return
    labels: set[str] = {"le"}
    for selector in found.selectors:
        yield from _selector_problems(selector, recorded)
        labels |= _labels_of(selector.name)
    for _, by in found.groupings:
        yield from (f"groups by {label}, which none of its series has" for label in by if label not in labels)
    if found.rates_of_expressions:
        yield "takes a rate of an expression"


def _selector_problems(selector: Selector, recorded: set[str]) -> Iterator[str]:
    if not selector.name:
        yield "selects without a name"
        return
    if ":" in selector.name:
        if selector.name not in recorded:
            yield f"{selector.name} is not recorded"
        return
    if selector.name not in SERIES:
        yield f"{selector.name} is not in the vocabulary"
        return
    family, part = SERIES[selector.name]
    for label, _, _ in selector.matchers:
        if label not in _labels_of(selector.name):
            yield f"{selector.name} has no label {label}"
    counts = family.kind == "counter" or bool(part)
    rated = bool(selector.functions and selector.functions[-1] in RATES)
    if rated and not counts:
        yield f"takes a rate of the gauge {selector.name}"
    if counts and not rated and not part:
        yield f"reads the counter {selector.name} without a rate"


def _labels_of(name: str) -> set[str]:
    if ":" in name:
        # A recorded series keeps the labels of its level; SLO series carry theirs.
        return {*name.partition(":")[0].split("_"), "of"}
    if name not in SERIES:
        return set()
    return {*SERIES[name][0].labels, *TARGET_LABELS, "le"}
