"""``python -m bridge …``: serve, record, migrate, history, token, openapi."""

from __future__ import annotations

import sys

import click

from bridge import commands
from bridge.history import commands as history
from exporters.errors import ConfigError


def command_group(help: str) -> click.Group:
    """All commands of the bridge."""
    return click.Group(help=help, commands=[*commands.commands(), *history.commands()])


def run(group: click.Group, program: str) -> None:
    """Run the command that the arguments name; a wrong setting is one clear line and exit code 2."""
    try:
        group(prog_name=program)
    except ConfigError as error:
        print(f"bridge: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    run(command_group(__doc__ or ""), "python -m bridge")
