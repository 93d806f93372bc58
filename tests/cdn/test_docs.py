"""The set-up texts of the documentation are those that the parsers are made for."""

from __future__ import annotations

import re
from pathlib import Path

from exporters import settings
from exporters.cdn import service
from exporters.cdn.formats import akamai, cloudflare, fastly, nginx

TEXT = (Path(__file__).parents[2] / "docs" / "cdn.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return [" ".join(block.split()) for block in re.findall(r"```(?:nginx)?\n(.*?)```", TEXT, re.DOTALL)]


def test_the_log_formats_shown_are_the_ones_read() -> None:
    shown = blocks()
    assert any(" ".join(nginx.LOG_FORMAT.split()) in block for block in shown)
    assert fastly.LOG_FORMAT in shown
    assert " ".join(cloudflare.LOGPUSH_FIELDS) in shown
    assert " ".join(akamai.STREAM_FIELDS) in shown


def test_every_setting_named_is_one() -> None:
    known = {row.variable for row in settings.document(service.CONFIG, service.PREFIX)}
    assert set(re.findall(r"\bCDN_[A-Z_]+", TEXT)) <= known
