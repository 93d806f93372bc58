"""What the pages name is there: settings, metrics and other pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.local.config import PROJECT
from deploy.reference import pages
from exporters import metrics, settings

PAGES = [*sorted((PROJECT / "docs").glob("*.md")), PROJECT / "README.md"]
NEW = [path for path in PAGES if path.stem in ("operate", "troubleshoot", "extend")]
SETTINGS = {row.variable for _, config, prefix in pages() for row in settings.document(config, prefix)}
FAMILIES = {one.name for one in vars(metrics).values() if isinstance(one, metrics.Family)}
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\((?!https?:|/)([^)#\s]*)(?:#([^)\s]+))?\)", path.read_text("utf-8")):
        page = path.parent / target if target else path
        assert page.exists(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, anchor


@pytest.mark.parametrize("path", NEW, ids=lambda path: path.stem)
def test_settings_and_metrics_are_those_of_the_code(path: Path) -> None:
    text = path.read_text("utf-8")
    named = set(re.findall(r"\b(?:RTMP|HLS|CDN|VIEWERS|BRIDGE|RECORDER)_[A-Z_]+[A-Z]\b", text))
    assert {name.removesuffix("_FILE") for name in named} - {"CDN_SYSLOG"} <= SETTINGS
    families = {SUFFIX.sub("", name) for name in re.findall(r"\blivestream_[a-z_]+[a-z]", text)}
    assert families <= {SUFFIX.sub("", name) for name in FAMILIES}
