"""The command line of history: the recorder, migrations, and what operators do by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from bridge.database import Connection, DatabaseUnavailableError, check_url, connect
from bridge.history import service
from bridge.history.migrate import MigrationError, migrate
from bridge.history.retention import forget_user, prune
from bridge.history.settings import PREFIX, RecorderConfig
from bridge.history.status import read_status
from bridge.promapi import PrometheusUnreachableError, QueryRefusedError
from exporters import logs, settings
from exporters.checks import parse_address
from exporters.errors import ConfigError
from exporters.server import serve

MAX_CHUNK_SECONDS = 3600


def commands() -> list[click.Command]:
    """What ``python -m bridge`` offers of history."""
    return [record, migrate_command, history]


@click.command()
@click.option("--check-config", is_flag=True, help="Check the settings and end.")
def record(check_config: bool) -> None:
    """Run the recorder: write minutes, sessions and events into history until told to stop."""
    logs.configure(os.environ)
    variable = f"{PREFIX}METRICS_LISTEN"
    with _said_plainly():
        config = _config()
        address = parse_address(variable, config.metrics_listen)
        built = service.build(config)
        if check_config:
            click.echo("recorder: configuration is fine")
            return
        serve(built, address, variable)


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database's schema up to date."""
    with _said_plainly():
        config = _config()
        done = migrate(_url(config), timescale=config.timescale)
        for one in done:
            click.echo(f"applied {one.version:04d} {one.name}")
        click.echo("the schema is up to date")


@click.group()
def history() -> None:
    """Look after history: its state, gaps, retention and privacy."""


@history.command()
def status() -> None:
    """Say what is stored, how far, and what waits."""
    with _connection() as (config, connection):
        for name, value in read_status(connection, config.spool_dir, datetime.now(UTC)):
            click.echo(f"{name:28} {value}")


@history.command()
@click.option("--from", "start", type=click.DateTime(), required=True, help="First minute, UTC.")
@click.option("--to", "end", type=click.DateTime(), help="Up to this minute, UTC; now when left out.")
def backfill(start: datetime, end: datetime | None) -> None:
    """Read minutes from Prometheus again and store them over what is there."""
    with _connection() as (config, connection):
        work = service.backfill_of(config)
        first = int(start.replace(tzinfo=UTC).timestamp()) // 60 * 60
        last = min(work.due(), int(end.replace(tzinfo=UTC).timestamp()) // 60 * 60 if end else work.due())
        rows = 0
        for at in range(first, last, MAX_CHUNK_SECONDS):
            rows += work.store(connection, at, min(at + MAX_CHUNK_SECONDS, last), advance=False)
        click.echo(f"{rows} rows of {max(0, last - first) // 60} minutes")


@history.command("prune")
def prune_command() -> None:
    """Drop what is older than the settings say."""
    with _connection() as (config, connection):
        for table, number in prune(connection, service.keep_of(config), datetime.now(UTC)).items():
            click.echo(f"{table:28} {number}")


@history.command("forget-user")
@click.argument("user_id")
def forget_user_command(user_id: str) -> None:
    """Delete every stored row of the user USER_ID."""
    with _connection() as (_config, connection):
        for table, number in forget_user(connection, user_id).items():
            click.echo(f"{table:28} {number}")


def _config() -> RecorderConfig:
    config = settings.read(RecorderConfig, PREFIX, os.environ)
    check_url(config.database_url)
    return config


def _url(config: RecorderConfig) -> str:
    if not config.database_url:
        raise ConfigError("DATABASE_URL is empty; history needs postgresql://user:password@host/database")
    return config.database_url


@contextmanager
def _connection() -> Iterator[tuple[RecorderConfig, Connection]]:
    with _said_plainly():
        config = _config()
        with connect(_url(config), name="bigfootlive-history") as connection:
            connection.autocommit = True
            yield config, connection


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Turn what an operator can mend into one line, without a traceback."""
    try:
        yield
    except (DatabaseUnavailableError, MigrationError, PrometheusUnreachableError, QueryRefusedError) as error:
        raise click.ClickException(str(error)) from error
