"""Settings are typed, bounded, and a wrong one names its variable."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from exporters import settings
from exporters.checks import parse_address, url
from exporters.errors import ConfigError
from exporters.settings import Secret, setting


@dataclass(frozen=True)
class Example:
    """Settings of these tests."""

    listen: str = setting("127.0.0.1:1", "address", check=parse_address)
    other: str = setting("127.0.0.1:2", "address", check=parse_address, may_be_empty=True)
    urls: tuple[str, ...] = setting((), "places", check=url("http://a"))
    poll_seconds: float = setting(1.0, "pace", minimum=0.1, maximum=60)
    apps: tuple[str, ...] = setting((), "names")
    mode: str = setting("off", "mode", choices=("off", "on"))
    loud: bool = setting(False, "noise")
    token: Secret = setting(Secret(""), "secret")
    database: str = setting("", "where", env="DATABASE_URL")


def test_values_are_read_with_their_types() -> None:
    environ = {"X_POLL_SECONDS": "2.5", "X_APPS": "live, hls,", "X_LOUD": "yes", "DATABASE_URL": "postgresql://"}
    assert settings.read(Example, "X_", environ) == Example(
        poll_seconds=2.5, apps=("live", "hls"), loud=True, database="postgresql://"
    )


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("X_POLL_SECONDS", "soon", "X_POLL_SECONDS is 'soon'; it must be a number"),
        ("X_POLL_SECONDS", "0", "X_POLL_SECONDS is 0; it must be at least 0.1"),
        ("X_POLL_SECONDS", "61", "X_POLL_SECONDS is 61; it must be at most 60"),
        ("X_POLL_SECONDS", "nan", "X_POLL_SECONDS is nan; it must be a finite number"),
        ("X_POLL_SECONDS", "-inf", "X_POLL_SECONDS is -inf; it must be a finite number"),
        ("X_LISTEN", "", "X_LISTEN is ''; it must be host:port"),
        ("X_OTHER", "1", "X_OTHER is '1'; it must be host:port"),
        ("X_URLS", "http://a,b", "X_URLS must be a URL with http or https, for example http://a"),
        ("X_MODE", "maybe", "X_MODE is 'maybe'; it must be one of off, on"),
        ("X_LOUD", "loud", "X_LOUD is 'loud'; it must be true or false"),
        ("X_TOKEN_FILE", "/nowhere/token", "X_TOKEN_FILE: cannot read /nowhere/token"),
    ],
)
def test_a_wrong_value_names_its_variable(variable: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings.read(Example, "X_", {variable: text})


def test_a_secret_comes_from_a_file_and_does_not_show(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret\n")
    config = settings.read(Example, "X_", {"X_TOKEN_FILE": str(path)})
    assert config.token == "s3cret"
    assert "s3cret" not in repr(config)


def test_what_may_be_empty_is_not_checked_when_it_is() -> None:
    assert settings.read(Example, "X_", {"X_OTHER": "", "X_URLS": ""}) == Example(other="")


def test_a_secret_file_that_is_no_text_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"hunter2\xff")
    with pytest.raises(ConfigError) as refused:
        settings.read(Example, "X_", {"X_TOKEN_FILE": str(path)})
    assert str(refused.value) == f"X_TOKEN_FILE: {path} must hold UTF-8 text"
    assert refused.value.__cause__ is None


def test_a_folder_that_cannot_be_made_names_its_variable(tmp_path: Path) -> None:
    assert settings.own_folder("X_FOLDER", tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"X_FOLDER: cannot make \S+/file/a: Not a directory"):
        settings.own_folder("X_FOLDER", tmp_path / "file/a")


def test_every_field_is_documented() -> None:
    rows = {row.variable: row for row in settings.document(Example, "X_")}
    assert rows["X_MODE"].type_name == "off|on"
    assert rows["X_APPS"].type_name == "comma-separated text"
    assert rows["DATABASE_URL"].help == "where"
