"""``python -m bridge …``: serve, record, migrate, history, token, openapi."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

import click

from exporters.errors import ConfigError

COMMANDS = ("bridge.commands", "bridge.history.commands")
"""Modules whose ``commands()`` give a list of click commands."""


def main() -> None:
    """Run the command; a wrong setting is one clear line and exit code 2."""
    group = click.Group(help=__doc__)
    for name in COMMANDS:
        if importlib.util.find_spec(name) is not None:
            module: Any = importlib.import_module(name)
            for command in module.commands():
                group.add_command(command)
    try:
        group(prog_name="bigfootlive")
    except ConfigError as error:
        print(f"bridge: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
