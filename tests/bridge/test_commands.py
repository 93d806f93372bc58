"""The command line: checked settings, minted tokens, one clear line for what is wrong."""

from __future__ import annotations

import socket
import time

import pytest
from click.testing import CliRunner

from bridge import commands
from bridge.config import Config
from bridge.tokens import verifier
from exporters.errors import ConfigError
from exporters.settings import Secret
from tests.bridge.streams_made import SECRET


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
        ({"BRIDGE_AUTH": "off", "BRIDGE_LISTEN": "here"}, "BRIDGE_LISTEN is 'here'"),
    ],
)
def test_a_bad_setting_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        run("serve", "--check-config", **environ)


def test_a_taken_port_is_named_with_its_mend() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=f"cannot listen on {place}: .*BRIDGE_LISTEN"):
            run("serve", BRIDGE_AUTH="off", BRIDGE_LISTEN=place)


def test_a_minted_token_is_for_its_tenant_and_role() -> None:
    token = run("token", "--tenant", "acme", "--role", "operator", "--hours", "1", BRIDGE_JWT_SECRET=SECRET).strip()
    judge = verifier(Config(jwt_secret=Secret(SECRET)))
    assert judge is not None
    identity = judge.verify(token)
    assert (identity.tenant_id, identity.has_role("operator"), identity.is_admin) == ("acme", True, False)
    assert identity.expires == pytest.approx(time.time() + 3600, abs=60)
