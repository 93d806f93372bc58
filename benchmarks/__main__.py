"""``python -m benchmarks [NAME …]``: measure, print a table with goals and peers, and keep it as JSON."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import click

import benchmarks
from benchmarks.page import write_growing, write_page
from benchmarks.table import Row, save, show

NOT_BENCHMARKS = {"__main__", "answering", "crowd", "interpreted", "localrun", "page", "processes", "table", "telling"}
ONLY_BY_NAME = {"soak"}
"""What takes an hour runs where it is asked for"""


def names() -> list[str]:
    """The benchmark modules that are there."""
    modules = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg]
    return sorted(set(modules) - NOT_BENCHMARKS)


@click.command()
@click.argument("chosen", nargs=-1)
@click.option("--quick", is_flag=True, help="Smaller sizes: a check that it runs, not a result.")
@click.option("--json", "folder", default="var/benchmarks", show_default=True, help="Folder for the JSON results.")
@click.option(
    "--page",
    is_flag=True,
    help="Measure nothing: write docs/benchmarks.md and the table of docs/growing.md from the kept results.",
)
@click.option("--list", "only_list", is_flag=True, help="Name the benchmarks and end.")
def main(chosen: tuple[str, ...], quick: bool, folder: str, page: bool, only_list: bool) -> None:
    """Run the CHOSEN benchmarks, or all of them but the soak."""
    known = names()
    if only_list:
        click.echo("\n".join(known))
        return
    if page:
        write_page(Path(folder))
        write_growing()
        return
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise click.UsageError(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    for name in chosen or sorted(set(known) - ONLY_BY_NAME):
        click.echo(f"== {name}" + (" (quick)" if quick else ""))
        module: Any = importlib.import_module(f"benchmarks.{name}")
        rows: list[Row] = module.run(quick)
        click.echo(show(rows))
        save(name, rows, Path(folder), quick)


if __name__ == "__main__":
    main()
