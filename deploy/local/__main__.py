"""``python -m deploy.local up|down|status``: the whole stack on this machine, on loopback, without Docker."""

from __future__ import annotations

import logging
import signal
import sys
from types import FrameType

import click

from deploy.local.audience import Audience
from deploy.local.config import read
from deploy.local.publisher import publish as publish_picture
from deploy.local.stack import Stack
from exporters.errors import ConfigError


@click.group(help=__doc__)
def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")


@main.command()
@click.option("--detach", is_flag=True, help="End this command when the stack is up; `down` ends the stack.")
def up(detach: bool) -> None:
    """Start everything, print the addresses, and stay until Ctrl-C."""
    stack = Stack(read(), click.echo)
    signal.signal(signal.SIGTERM, _interrupt)
    stack.start()
    try:
        stack.wait_ready()
        click.echo(stack.summary(stack.wait_numbers()))
        if detach:
            return
        stack.follow()
        click.echo("ended")
    except KeyboardInterrupt:
        click.echo("\nending")
        stack.stop()
        click.echo("ended")
    except ConfigError:
        stack.stop()
        raise


@main.command()
def down() -> None:
    """End everything."""
    click.echo("ended" if Stack(read(), click.echo).stop() else "nothing runs")


@main.command()
def status() -> None:
    """Each program's state; exit code 1 when one does not run."""
    states = Stack(read(), click.echo).states()
    for one in states:
        click.echo(f"{one.name:14} {one.state:10} {one.detail}")
    if not states:
        click.echo("nothing runs; `make up` starts the stack")
    if not states or any(one.state != "RUNNING" for one in states):
        sys.exit(1)


@main.command()
def publish() -> None:
    """Publish the test picture (started by `up`)."""
    publish_picture(read())


@main.command()
def audience() -> None:
    """Watch as a simulated audience (started by `up`)."""
    watching = Audience(read())
    signal.signal(signal.SIGTERM, lambda *_: watching.stop())
    watching.run()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        main()
    except ConfigError as error:
        click.echo(f"local stack: {error}", err=True)
        sys.exit(2)
