"""``python -m exporters hls validate URL``: a one-shot check of a stream for people and CI."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Sequence

import click

from exporters.checks import is_url
from exporters.hls.checking import Check
from exporters.hls.report import as_json, as_text

USAGE_ERROR = 64


@click.command(name="python -m exporters hls validate")
@click.argument("url")
@click.option("--watch", default=0.0, type=click.FloatRange(0, 86400), metavar="SECONDS", help="Follow it for so long.")
@click.option("--json", "json", is_flag=True, help="Print the report as JSON.")
@click.option("--timeout", default=10.0, type=click.FloatRange(0.1, 60), help="Longest wait for an answer, in seconds.")
@click.option("--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Send a request header.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def validate(url: str, watch: float, json: bool, timeout: float, headers: tuple[str, ...], quiet: bool) -> int:
    """Check the HLS stream at URL: its playlists, all renditions and a segment of each.

    Rules about how playlists change need --watch; three target durations or more tell most. Progress goes to
    standard error. Exit code: 0 nothing wrong, 1 warnings, 2 errors, 64 wrong usage.
    """
    if not is_url(url):
        raise click.UsageError(f"{url!r} is no http(s) URL")
    pairs = []
    for header in headers:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            raise click.UsageError(f"header {header!r} is not 'NAME: VALUE'")
        pairs.append((name.strip(), value.strip()))
    check = Check(url, watch, tuple(pairs), timeout, _no_progress if quiet else _progress)
    report = asyncio.run(check.run())
    click.echo(as_json(report) if json else as_text(report))
    return report.exit_code


def main(arguments: Sequence[str]) -> int:
    """Check the stream that the arguments name; the exit code tells the worst severity found."""
    logging.basicConfig(level=logging.ERROR)  # what is found is in the report
    try:
        return int(validate.main(list(arguments), prog_name=validate.name, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return USAGE_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("ended before the check was done", err=True)
        return USAGE_ERROR


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _no_progress(line: str) -> None:
    return None
