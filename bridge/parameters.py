"""Query parameters that several areas take."""

from __future__ import annotations

from bridge import problems


def whole_number(name: str, text: str | None, default: int, most: int) -> int:
    """A parameter from 1 to ``most``; raises a 400 Problem that names it."""
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise problems.bad_parameter(name, f"must be a whole number from 1 to {most}")
    return int(text)
