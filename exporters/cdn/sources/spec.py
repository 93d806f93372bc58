"""How sources are configured: ``name=format:place``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from exporters.errors import ConfigError

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source: the setting it comes from, its name (a label value), its log's format, and where it is."""

    variable: str
    name: str
    format: str
    place: str = ""


def parse_specs(variable: str, texts: Iterable[str]) -> list[SourceSpec]:
    """Read ``name=format:place`` texts; raises ConfigError that names the variable."""
    specs = []
    for one in texts:
        name, equals, rest = one.partition("=")
        form, _, place = rest.partition(":")
        if not equals or not form or not NAME.fullmatch(name):
            raise ConfigError(
                f"{variable} has {one!r}; it must be name=format:place, for example edge=nginx:/var/log/x"
            )
        specs.append(SourceSpec(variable, name, form, place))
    return specs


def parse_ratios(variable: str, texts: Iterable[str]) -> dict[str, float]:
    """Read ``name=ratio`` texts; a ratio is above 0 and at most 1. Raises ConfigError that names the variable."""
    ratios = {}
    for one in texts:
        name, _, text = one.partition("=")
        try:
            ratio = float(text)
        except ValueError:
            ratio = 0.0
        if not 0 < ratio <= 1:
            raise ConfigError(f"{variable} has {one!r}; it must be name=ratio with a ratio above 0 and at most 1")
        ratios[name] = ratio
    return ratios
