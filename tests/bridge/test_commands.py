"""The command line: checked settings, minted tokens, one clear line for what is wrong."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge import commands
from bridge.config import Config
from bridge.tokens import verifier
from exporters.errors import ConfigError
from exporters.settings import Secret
from tests.bridge.streams_made import SECRET

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environ: str) -> str:
    command = {"serve": commands.serve, "token": commands.token}[arguments[0]]
    result = CliRunner(env=environ).invoke(command, arguments[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_good_settings_are_fine() -> None:
    said = run("serve", "--check-config", BRIDGE_AUTH="off", BRIDGE_LISTEN="127.0.0.1:0")
    assert said == "bridge: configuration is fine\n"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BRIDGE_BROADCAST_SECONDS": "60"}, "BRIDGE_BROADCAST_SECONDS is 60; it must be at most 30"),
        ({"BRIDGE_AUTH": "maybe"}, "BRIDGE_AUTH is 'maybe'; it must be one of required, anonymous-read, off"),
        ({"BRIDGE_AUTH": "required"}, "that needs BRIDGE_JWT_SECRET or BRIDGE_JWKS_URL"),
        ({"BRIDGE_AUTH": "off", "BRIDGE_RATE_LIMIT_TOKEN": "many"}, "BRIDGE_RATE_LIMIT_TOKEN is 'many'"),
        ({"BRIDGE_LISTEN": "here"}, "BRIDGE_LISTEN is 'here'"),
        ({"BRIDGE_LISTEN": "28001"}, "BRIDGE_LISTEN is '28001'; it must be host:port"),
        ({"BRIDGE_METRICS_LISTEN": "x"}, "BRIDGE_METRICS_LISTEN is 'x'; it must be host:port"),
        (
            {"BRIDGE_METRICS_LISTEN": "0.0.0.0:8001"},
            "BRIDGE_METRICS_LISTEN is '0.0.0.0:8001', the address of BRIDGE",
        ),
        ({"BRIDGE_ORIGINS": "*"}, "BRIDGE_ORIGINS has '*'; it must be scheme://host"),
        ({"BRIDGE_ORIGINS": "http://a,app.example.com"}, "BRIDGE_ORIGINS has 'app.example.com'"),
        ({"BRIDGE_ORIGINS": "https://*.example.com"}, "BRIDGE_ORIGINS has"),
        ({"BRIDGE_ORIGINS": "https://app.example.com/path"}, "BRIDGE_ORIGINS has"),
        ({"PROMETHEUS_URL": "prometheus:9090"}, "PROMETHEUS_URL must be a URL with http or https"),
        ({"PROMETHEUS_URL": ""}, "PROMETHEUS_URL must be a URL"),
        ({"BRIDGE_EVENTS_URL": "a:1"}, "BRIDGE_EVENTS_URL must be a URL"),
        ({"BRIDGE_JWKS_URL": "a"}, "BRIDGE_JWKS_URL must be a URL"),
        ({"BRIDGE_CONTAINERS_KEYS_URL": "a"}, "BRIDGE_CONTAINERS_KEYS_URL must be a URL"),
        (
            {"BRIDGE_AUTH": "off", "BRIDGE_RATE_LIMIT_STORAGE": "redis"},
            "BRIDGE_RATE_LIMIT_STORAGE must be memory:// or like redis://",
        ),
        ({"LOG_LEVEL": "verbose"}, "LOG_LEVEL is 'VERBOSE'; it must be one of"),
    ],
)
def test_a_bad_setting_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)):
        run("serve", "--check-config", **environ)


@pytest.mark.parametrize(
    "origins", ["https://app.example.com,http://localhost:*", "http://[::1]:*", "capacitor://localhost", "http://a:80/"]
)
def test_origins_that_browsers_send_are_fine(origins: str) -> None:
    assert "fine" in run("serve", "--check-config", BRIDGE_AUTH="off", BRIDGE_ORIGINS=origins)


@pytest.mark.parametrize(
    "address",
    [
        "postgesql://analytics:hunter2@127.0.0.1/a",
        "postgresql://analytics:hunter2%zz@127.0.0.1/a",
        "postgresql://analytics:hun@ter2@127.0.0.1/a",
        "postgresql://analytics:hunter2/@127.0.0.1/a",
        "mysql://analytics:hunter2@127.0.0.1/a?b=c",
        "hunter2",
    ],
)
def test_a_database_address_that_is_none_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        run("serve", "--check-config", BRIDGE_AUTH="off", DATABASE_URL=address)
    shown = "".join(traceback.format_exception(refused.value))
    assert "DATABASE_URL is no address such as postgresql://user:password@host/database" in shown
    assert "hunter2" not in shown and "ter2" not in shown


@pytest.mark.parametrize(
    "address", ["", "postgresql://u:p%25@h1:5432,h2/a", "postgres://h", "host=127.0.0.1 port=5432 password='a b'"]
)
def test_database_addresses_of_either_form_are_fine(address: str) -> None:
    assert "fine" in run("serve", "--check-config", BRIDGE_AUTH="off", DATABASE_URL=address)


def test_a_taken_port_is_named_with_its_mend() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {place}: .*BRIDGE_LISTEN"):
            run("serve", BRIDGE_AUTH="off", BRIDGE_LISTEN=place)


def test_gunicorns_settings_load_nothing_that_must_come_after_gevents_patches() -> None:
    code = "import sys, bridge.gunicorn_settings; print(sorted({'psycopg', 'redis', 'requests'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_a_minted_token_is_for_its_tenant_and_role() -> None:
    token = run("token", "--tenant", "acme", "--role", "operator", "--hours", "1", BRIDGE_JWT_SECRET=SECRET).strip()
    judge = verifier(Config(jwt_secret=Secret(SECRET)))
    assert judge is not None
    identity = judge.verify(token)
    assert (identity.tenant_id, identity.has_role("operator"), identity.is_admin) == ("acme", True, False)
    assert identity.expires == pytest.approx(time.time() + 3600, abs=60)
