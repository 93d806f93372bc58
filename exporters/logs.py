"""Log lines of every program: how much is said (``LOG_LEVEL``), and how a line looks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from exporters import settings
from exporters.settings import setting

PREFIX = "LOG_"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@dataclass(frozen=True)
class LogConfig:
    """What all programs read."""

    level: str = setting(
        "INFO", "the least level of log lines that are written, to stderr; in either case", choices=LEVELS
    )


def read_level(environ: Mapping[str, str]) -> str:
    """The level that ``LOG_LEVEL`` names, in either case; raises ConfigError."""
    named = {name: text.upper() for name, text in environ.items() if name == f"{PREFIX}LEVEL"}
    return settings.read(LogConfig, PREFIX, named).level


def configure(environ: Mapping[str, str]) -> None:
    """Send log lines to stderr; raises ConfigError."""
    logging.basicConfig(level=read_level(environ), format=FORMAT)
