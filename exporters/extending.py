"""Parts that other people write: modules that a setting names, each with a mapping of what it adds."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from exporters.errors import ConfigError


def extended(own: Mapping[str, Any], variable: str, modules: Iterable[str], attribute: str) -> dict[str, Any]:
    """``own`` and what each module has under ``attribute``, by name; raises ConfigError that names the variable."""
    found = dict(own)
    for name in modules:
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(f"{variable} names {name!r}, which cannot be imported: {error}") from error
        added = getattr(module, attribute, None)
        if not isinstance(added, Mapping):
            raise ConfigError(f"{variable} names {name!r}, which has no mapping {attribute}")
        if repeated := sorted(found.keys() & added.keys()):
            raise ConfigError(f"{variable} names {name!r}, which adds {', '.join(repeated)} once more")
        found.update(added)
    return found
