"""Writes PromQL from the vocabulary, so that a query cannot name a family, label or function that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporters.metrics import Family
from prometheus.external import TARGET_LABELS

RATE_WINDOW = "$__rate_interval"
RANGE_WINDOW = "$__range"


@dataclass(frozen=True, slots=True)
class Scope:
    """Writes selectors that carry a dashboard's matchers, each where the family has the label.

    ``matchers`` maps a label to a regular expression, usually a dashboard variable. A ``where`` value matches exactly;
    one that begins with ``~`` is a regular expression, with ``!`` a negated match.
    """

    matchers: Mapping[str, str] = field(default_factory=dict)

    def series(self, family: Family, /, *, part: str = "", **where: str) -> str:
        """A selector of the family (of a histogram's ``part``: bucket, sum or count); raises ValueError on misuse."""
        if (family.kind == "histogram") != bool(part):
            raise ValueError(f"{family.name}: a histogram needs a part, others have none")
        known = {*family.labels, *TARGET_LABELS, "le"}
        if unknown := set(where) - known:
            raise ValueError(f"{family.name} has no label {', '.join(sorted(unknown))}")
        pairs = [f'{label}=~"{value}"' for label, value in self.matchers.items() if label in known - set(where)]
        pairs += [_matcher(label, value) for label, value in where.items()]
        name = f"{family.name}_{part}" if part else family.name
        return f"{name}{{{','.join(pairs)}}}" if pairs else name

    def rate(self, family: Family, /, *by: str, part: str = "", **where: str) -> str:
        """Growth a second, summed ``by`` labels; raises ValueError for a gauge."""
        if family.kind == "gauge":
            raise ValueError(f"{family.name} is a gauge: it has no rate")
        return _grouped("sum", by, f"rate({self.series(family, part=part, **where)}[{RATE_WINDOW}])")

    def increase(self, family: Family, /, *by: str, **where: str) -> str:
        """Growth over the dashboard's whole range, summed ``by`` labels."""
        if family.kind != "counter":
            raise ValueError(f"{family.name} is no counter")
        return _grouped("sum", by, f"increase({self.series(family, **where)}[{RANGE_WINDOW}])")

    def gauge(self, how: str, family: Family, /, *by: str, **where: str) -> str:
        """A gauge aggregated by sum, max, min, avg or count."""
        if family.kind != "gauge":
            raise ValueError(f"{family.name} is no gauge")
        return _grouped(how, by, self.series(family, **where))

    def age(self, family: Family, /, *by: str, **where: str) -> str:
        """Seconds since the instant that a gauge holds, the oldest of each group."""
        return _grouped("max", by, f"time() - {self.series(family, **where)}")

    def quantile(self, share: float, family: Family, /, *by: str, **where: str) -> str:
        """A quantile of a histogram's recent observations."""
        return f"histogram_quantile({share:g}, {self.rate(family, *by, 'le', part='bucket', **where)})"

    def mean(self, family: Family, /, *by: str, **where: str) -> str:
        """The mean of a histogram's recent observations."""
        return ratio(self.rate(family, *by, part="sum", **where), self.rate(family, *by, part="count", **where))

    def recorded(self, name: str, /, **where: str) -> str:
        """A recorded series with the matchers of the labels that its level keeps."""
        level = name.partition(":")[0].split("_")
        pairs = [f'{label}=~"{value}"' for label, value in self.matchers.items() if label in level]
        pairs += [_matcher(label, value) for label, value in where.items()]
        return f"{name}{{{','.join(pairs)}}}" if pairs else name


def ratio(part: str, whole: str) -> str:
    """A share that is absent rather than NaN while nothing happens."""
    return f"{part} / ({whole} > 0)"


def share(part: str, whole: str) -> str:
    """``ratio`` where the part may have no series yet: then it is 0."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def one_minus(expression: str) -> str:
    return f"1 - {expression}"


def either(first: str, second: str) -> str:
    """``first``, and ``second`` where the first has no series with the same labels."""
    return f"{first} or {second}"


def bits(bytes_expression: str) -> str:
    return f"8 * {bytes_expression}"


def hourly(per_second: str) -> str:
    return f"3600 * {per_second}"


def top(count: int, expression: str) -> str:
    return f"topk({count}, {expression})"


def since(expression: str) -> str:
    """Seconds since the instant that ``expression`` holds."""
    return f"time() - {expression}"


def per(first: str, second: str, *on: str) -> str:
    """A quotient of two expressions joined on labels, the left one keeping its own."""
    joined = f"on ({', '.join(on)}) group_left () " if on else ""
    return f"{first} / {joined}({second} > 0)"


def total(expression: str, *by: str) -> str:
    return _grouped("sum", by, expression)


def most(expression: str, *by: str) -> str:
    return _grouped("max", by, expression)


def number_of(expression: str, *by: str) -> str:
    return _grouped("count", by, expression)


def zero_if_none(expression: str) -> str:
    """0 where an expression without labels has no series: nothing is the good case."""
    return f"{expression} or vector(0)"


def equals(expression: str, value: float) -> str:
    """The series that have this value."""
    return f"{expression} == {value:g}"


def below(expression: str, other: str, *on: str) -> str:
    """1 where ``expression`` is under ``other``, else 0."""
    joined = f"on ({', '.join(on)}) " if on else ""
    return f"{expression} < bool {joined}{other}"


def earlier(expression: str, offset: str) -> str:
    return f"{expression} offset {offset}"


def average(expression: str, window: str) -> str:
    """The mean over time of a recorded series."""
    return f"avg_over_time({expression}[{window}])"


def highest(expression: str) -> str:
    """The largest value over the dashboard's whole range."""
    return f"max_over_time({expression}[{RANGE_WINDOW}])"


def changed(expression: str) -> str:
    """Series that changed since the last point drawn."""
    return f"changes({expression}[$__interval]) > 0"


def label_values(expression: str, label: str) -> str:
    """A dashboard variable's query: the values of a label."""
    return f"label_values({expression}, {label})"


def _matcher(label: str, value: str) -> str:
    if value.startswith("~"):
        return f'{label}=~"{value[1:]}"'
    if value.startswith("!"):
        return f'{label}!="{value[1:]}"'
    return f'{label}="{value}"'


def _grouped(how: str, by: tuple[str, ...], expression: str) -> str:
    return f"{how} by ({', '.join(by)}) ({expression})" if by else f"{how}({expression})"
