"""How deep JSON of others may be nested: orjson and what writes it on stop at different depths, by RecursionError."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 32


def is_deeper(value: Any, levels: int = MAX_DEPTH) -> bool:
    """Whether objects and lists are nested in more than so many levels, the outermost being one."""
    nested = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        nested = [
            inner
            for one in nested
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not nested:
            return False
    return True
