"""Writes docs/configuration.md from the settings classes: ``python -m deploy.reference > docs/configuration.md``."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from exporters import logs, settings
from exporters.__main__ import KINDS

INTRODUCTION = """# Configuration

Every process reads environment variables; a wrong value stops it at start with one line that names the variable, and
exit code 2.
Secrets may be given as `NAME_FILE`, the path of a file that holds the secret. `--check-config` checks the settings
and ends: `python -m exporters rtmp --check-config`, `python -m bridge serve --check-config`.
This page is generated from the settings classes by `python -m deploy.reference`.
"""


def pages() -> Iterator[tuple[str, type, str]]:
    """Title, settings class and variable prefix of each process, after what all of them read."""
    yield "All programs", logs.LogConfig, logs.PREFIX
    for kind in KINDS:
        module = importlib.import_module(f"exporters.{kind}.service")
        yield f"The {kind} exporter (`python -m exporters {kind}`)", module.CONFIG, module.PREFIX
    for title, name, attribute in (
        ("The bridge (`python -m bridge serve`)", "bridge.config", "Config"),
        ("The recorder (`python -m bridge record`)", "bridge.history.settings", "RecorderConfig"),
        ("The bridge's stream registry", "bridge.streams.settings", "StreamsConfig"),
        ("The bridge's media servers", "bridge.containers.settings", "ContainersConfig"),
        ("The local stack (`make up`)", "deploy.local.config", "LocalConfig"),
    ):
        module = importlib.import_module(name)
        yield title, getattr(module, attribute), module.PREFIX


def document() -> str:
    """The whole page as Markdown."""
    parts = [INTRODUCTION]
    for title, config, prefix in pages():
        parts.append(f"\n## {title}\n\n| variable | value | default | meaning |\n|---|---|---|---|\n")
        for row in settings.document(config, prefix):
            cells = (f"`{row.variable}`", row.type_name, f"`{row.default}`" if row.default else "", row.help)
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


if __name__ == "__main__":
    print(document(), end="")
