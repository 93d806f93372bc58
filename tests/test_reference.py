"""The configuration page is what the settings classes say."""

from __future__ import annotations

from deploy.local.config import PROJECT
from deploy.reference import document, pages


def test_the_configuration_page_is_fresh() -> None:
    assert (PROJECT / "docs/configuration.md").read_text(encoding="utf-8") == document()


def test_every_setting_says_what_it_means() -> None:
    from exporters import settings

    silent = [
        row.variable for _, config, prefix in pages() for row in settings.document(config, prefix) if not row.help
    ]
    assert silent == []
