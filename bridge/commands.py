"""The bridge's own commands: serve, token, openapi."""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import time

import click

from bridge.config import PREFIX, Config
from bridge.tokens import mint
from exporters import logs, settings
from exporters.checks import cannot_listen, family_of, parse_address
from exporters.errors import ConfigError

DAY_SECONDS = 86400


def commands() -> list[click.Command]:
    return [serve, token, openapi]


@click.command()
@click.option("--check-config", is_flag=True, help="Check the settings and end.")
def serve(check_config: bool) -> None:
    """Serve REST, WebSockets and the console page until told to stop."""
    from bridge.assembly import assemble, read_settings

    logs.read_level(os.environ)
    found = read_settings(os.environ)
    address = parse_address("BRIDGE_LISTEN", found.bridge.listen)
    assemble(found)
    if check_config:
        click.echo("bridge: configuration is fine")
        return
    _check_free("BRIDGE_LISTEN", address)
    if found.bridge.metrics_listen:
        _check_free("BRIDGE_METRICS_LISTEN", parse_address("BRIDGE_METRICS_LISTEN", found.bridge.metrics_listen))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # each socket is a file; the usual soft limit is 1024
    # A fresh process: gevent's patches must come before anything that opens sockets is imported.
    arguments = [sys.executable, "-m", "gunicorn", "--config", "python:bridge.gunicorn_settings", "bridge.wsgi:app"]
    os.execv(sys.executable, arguments)


@click.command()
@click.option("--subject", default="developer", show_default=True, help="The sub claim.")
@click.option("--tenant", help="The tenant_id claim; the default tenant when left out.")
@click.option("--role", "roles", multiple=True, help="admin, operator or ingest; may be repeated.")
@click.option("--hours", default=12.0, show_default=True, help="How long it is valid.")
def token(subject: str, tenant: str | None, roles: tuple[str, ...], hours: float) -> None:
    """Print a development token signed with BRIDGE_JWT_SECRET."""
    config = settings.read(Config, PREFIX, os.environ)
    if hours <= 0:
        raise ConfigError("--hours must be above 0")
    click.echo(mint(config, subject, tenant or config.default_tenant, roles, hours * 3600, time.time()))


@click.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from bridge import openapi as generator
    from bridge.app import create_app
    from bridge.assembly import Settings, assemble
    from exporters.server import build_version

    parts = assemble(Settings(Config(auth="off")))
    app = create_app(parts.services, parts.areas, parts.pages)
    click.echo(json.dumps(generator.document(app, build_version()[0]), indent=2))


def _check_free(variable: str, address: tuple[str, int]) -> None:
    """Raises ConfigError when the address is taken; gunicorn would try again for a while and then say less."""
    with socket.socket(family_of(address[0])) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise cannot_listen(variable, address, error) from error
