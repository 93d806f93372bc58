"""``python -m dashboards build|check|push``: write the dashboards' JSON, compare it, or store it in a Grafana."""

from __future__ import annotations

from pathlib import Path

import click

from dashboards import export
from dashboards.pages import GENERATED, PAGES, file_of
from dashboards.push import Grafana, PushError, push

FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=GENERATED,
    help="Where the JSON is kept instead of dashboards/generated.",
)


@click.group(help=__doc__)
def main() -> None:
    """The commands of this package."""


@main.command()
@FOLDER
def build(folder: Path) -> None:
    """Write dashboards/generated/*.json."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {file_of(page, folder): export.text(page) for page in PAGES}
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.name}")
    for stray in sorted(set(folder.glob("*.json")) - set(files)):
        stray.unlink()
        click.echo(f"removed {stray.name}")


@main.command()
@FOLDER
def check(folder: Path) -> None:
    """Compare dashboards/generated/*.json with a fresh build; exit code 1 when they differ."""
    expected = {file_of(page, folder): export.text(page) for page in PAGES}
    present = {path: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    differing = sorted({path.name for path, _ in expected.items() ^ present.items()})
    if differing:
        raise click.ClickException(f"run `python -m dashboards build`: {', '.join(differing)} are not as built")
    click.echo(f"{len(expected)} dashboards are as built")


@main.command("push")
@click.option("--url", envvar="GRAFANA_URL", default="http://127.0.0.1:3000", show_default=True, help="Grafana's root.")
@click.option("--token", envvar="GRAFANA_TOKEN", required=True, help="Service-account token; better in GRAFANA_TOKEN.")
@click.option("--folder", default="livestream", show_default=True, help="Uid of the folder; it is made when missing.")
@click.option("--folder-title", default="Live streaming", show_default=True, help="Title of a folder that is made.")
@click.option("--overwrite", is_flag=True, help="Replace dashboards that are there and differ.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--message", default="", help="Note in the dashboards' history.")
def push_command(
    url: str, token: str, folder: str, folder_title: str, overwrite: bool, dry_run: bool, message: str
) -> None:
    """Store the dashboards in a Grafana."""
    try:
        outcomes = push(
            Grafana(url, token),
            [export.dashboard(page) for page in PAGES],
            folder=(folder, folder_title),
            overwrite=overwrite,
            dry_run=dry_run,
            message=message,
            report=lambda one: click.echo(f"{one.result:13} {one.uid:22} {url.rstrip('/')}{one.url}"),
        )
    except PushError as error:
        raise click.ClickException(str(error)) from error
    results = [one.result for one in outcomes]
    click.echo(", ".join(f"{results.count(result)} {result}" for result in dict.fromkeys(results)))


if __name__ == "__main__":
    main()
