"""What a check of a stream found, as values, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson

from exporters.hls.findings import RULES, Severity

EXIT_CODES: dict[Severity, int] = {"info": 0, "warning": 1, "error": 2}
ORDER: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class ReportedFinding:
    """A broken rule: where (a rendition, or ``multivariant``), how often, and the sentence of the first time."""

    severity: Severity
    rule: str
    where: str
    message: str
    basis: str
    times: int


@dataclass(frozen=True, slots=True)
class ReportedRendition:
    """One rendition as it was at the end of the check; rates are bits a second, times seconds."""

    name: str
    url: str
    reachable: bool
    target_duration_seconds: float | None = None
    segments_listed: int = 0
    seconds_listed: float = 0.0
    media_sequence: int | None = None
    new_segments: int = 0
    live_edge_latency_seconds: float | None = None
    declared_bits_per_second: int | None = None
    measured_bits_per_second: float | None = None
    low_latency: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a check."""

    url: str
    watched_seconds: float
    renditions: tuple[ReportedRendition, ...]
    findings: tuple[ReportedFinding, ...]

    @property
    def verdict(self) -> Severity:
        """The worst severity found; ``info`` when nothing is wrong."""
        found = {one.severity for one in self.findings}
        return next((severity for severity in ORDER if severity in found), "info")

    @property
    def exit_code(self) -> int:
        """0 nothing wrong, 1 warnings, 2 errors."""
        return EXIT_CODES[self.verdict]


def collect_findings(found: Sequence[tuple[str, str, str]]) -> tuple[ReportedFinding, ...]:
    """Findings as (source, rule, message) in the order of time, folded by place and rule, the worst first."""
    first: dict[tuple[str, str], str] = {}
    times: dict[tuple[str, str], int] = {}
    for source, rule, message in found:
        key = (source.rpartition(":")[2], rule)
        first.setdefault(key, message)
        times[key] = times.get(key, 0) + 1
    rows = [
        ReportedFinding(RULES[rule].severity, rule, where, message, RULES[rule].basis, times[where, rule])
        for (where, rule), message in first.items()
    ]
    return tuple(sorted(rows, key=lambda row: ORDER.index(row.severity)))


def as_json(report: Report) -> str:
    """One JSON object: the report's fields, ``verdict`` and ``exit_code``."""
    fields = {**asdict(report), "verdict": report.verdict, "exit_code": report.exit_code}
    return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()


def as_text(report: Report) -> str:
    """A readable report."""
    count = len(report.renditions)
    watched = f"watched for {report.watched_seconds:.0f} s" if report.watched_seconds else "looked at once"
    lines = [f"{report.url}: {count} rendition{'s' * (count != 1)}, {watched}", ""]
    if report.renditions:
        lines += [*_table([HEAD, *map(_row, report.renditions)]), ""]
    for one in report.findings:
        again = f" ({one.times} times)" if one.times > 1 else ""
        lines.append(f"{one.severity:7}  {one.where}: {one.rule}: {one.message}{again}  [{one.basis}]")
    numbers = {severity: sum(one.severity == severity for one in report.findings) for severity in ORDER}
    summary = ", ".join(f"{number} {severity}{'s' * (number != 1)}" for severity, number in numbers.items() if number)
    return "\n".join([*lines, *([""] if report.findings else []), summary or "nothing found wrong"])


HEAD = ("rendition", "target", "listed", "sequence", "new", "behind live", "declared", "measured", "")


def _row(one: ReportedRendition) -> tuple[str, ...]:
    if not one.reachable and one.target_duration_seconds is None:
        return (one.name, "unreachable", "", "", "", "", _rate(one.declared_bits_per_second), "", "")
    notes = " ".join([*(["low latency"] if one.low_latency else []), *(["ended"] if one.ended else [])])
    latency = one.live_edge_latency_seconds
    return (
        one.name,
        f"{one.target_duration_seconds:g} s",
        f"{one.segments_listed} segments, {one.seconds_listed:.1f} s",
        str(one.media_sequence),
        str(one.new_segments),
        "unknown" if latency is None else f"{latency:.1f} s",
        _rate(one.declared_bits_per_second),
        _rate(one.measured_bits_per_second),
        notes,
    )


def _rate(bits_per_second: float | None) -> str:
    return "" if bits_per_second is None else f"{bits_per_second / 1e6:.2f} Mbit/s"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
