"""The command ``bigfootlive``: every service of the platform by its name."""

from __future__ import annotations

import sys

import click

from bridge.__main__ import command_group, run
from exporters import __main__ as exporters

HELP = """Analytics of live streams.

Services are told what to do by environment variables; with --check-config they check them and end.
"""


@click.command(
    "exporters",
    help=f"Run an exporter until told to stop: {', '.join(exporters.KINDS)}.",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def exporter(arguments: tuple[str, ...]) -> None:
    sys.exit(exporters.main(arguments, program="bigfootlive exporters"))


def main() -> None:
    """Run the command that the arguments name."""
    group = command_group(HELP)
    group.add_command(exporter)
    run(group, "bigfootlive")
