"""Violations of one stream at one endpoint: counted when they begin, active while they last."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from exporters import metrics
from exporters.hls.findings import RULES, Finding
from exporters.hls.tables import HlsTables

log = logging.getLogger(__name__)
MAX_FINDINGS = 100
NONE: frozenset[tuple[str, str]] = frozenset()


class Violations:
    """Keeps what each source (a rendition, the multivariant playlist, …) found last and counts what is new."""

    def __init__(
        self,
        tables: HlsTables,
        stream: str,
        endpoint: str,
        on_begin: Callable[[str, Finding], None] = lambda source, finding: None,
    ) -> None:
        self._tables = tables
        self._on_begin = on_begin
        self._labels = (stream, endpoint)
        self._by_source: dict[str, frozenset[tuple[str, str]]] = {}

    def update(self, source: str, findings: Iterable[Finding]) -> list[Finding]:
        """Make these the source's findings; gives those that have just begun."""
        before = self._by_source.get(source, NONE)
        listed = list(findings)[:MAX_FINDINGS]
        if not listed and not before:
            return []
        now = frozenset((one.rule, one.subject) for one in listed)
        begun = list({(one.rule, one.subject): one for one in listed if (one.rule, one.subject) not in before}.values())
        for one in begun:
            rule = RULES[one.rule]
            self._tables[metrics.HLS_VIOLATIONS].add(1, *self._labels, rule.id, rule.severity)
            again = any(rule.id == known for known, _ in before)
            level = logging.DEBUG if again or rule.severity == "info" else logging.WARNING
            log.log(level, "%s at %s, %s: %s: %s", *self._labels, source, one.rule, one.message)
            self._on_begin(source, one)
        if now != before:
            self._by_source[source] = now
            self._show({rule for rule, _ in before | now})
        return begun

    def forget(self, source: str) -> None:
        """End all of a source's findings, because the source is gone."""
        self.update(source, ())
        self._by_source.pop(source, None)

    def active(self, rule: str) -> bool:
        return any(rule == found for findings in self._by_source.values() for found, _ in findings)

    def _show(self, rules: Iterable[str]) -> None:
        for rule in rules:
            self._tables[metrics.HLS_VIOLATION_ACTIVE].set(int(self.active(rule)), *self._labels, rule)
