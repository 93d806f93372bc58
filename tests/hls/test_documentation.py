from __future__ import annotations

from pathlib import Path

from exporters import settings
from exporters.hls.findings import ALL
from exporters.hls.service import CONFIG, PREFIX

PAGE = (Path(__file__).parents[2] / "docs" / "hls.md").read_text(encoding="utf-8")


def test_every_rule_is_documented_with_its_severity_and_basis() -> None:
    assert [rule.id for rule in ALL if f"| `{rule.id}` | {rule.severity} | {rule.basis} |" not in PAGE] == []


def test_every_setting_is_documented() -> None:
    variables = [row.variable for row in settings.document(CONFIG, PREFIX)]
    assert [variable for variable in variables if f"| `{variable}` |" not in PAGE] == []
