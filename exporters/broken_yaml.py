"""What is said of a file that is no YAML: only where, for the parser's own words quote it, and it may hold secrets."""

from __future__ import annotations

import yaml

ERRORS = (yaml.YAMLError, ValueError)
"""What ``yaml.safe_load`` raises"""


def place(error: Exception) -> str:
    """`` near line 3``, where that is known."""
    mark = getattr(error, "problem_mark", None)
    return f" near line {mark.line + 1}" if mark else ""
