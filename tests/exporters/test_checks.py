"""Texts of settings that are no URL, address or rate are refused in one line that names the variable."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from exporters import checks
from exporters.__main__ import main
from exporters.errors import ConfigError


@pytest.mark.parametrize("text", ["http://a", "https://a.b:8443/c?d=e", "http://[::1]:9701/", "http://{stream}.a/b"])
def test_urls_are_taken(text: str) -> None:
    assert checks.is_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a:1",
        "//a",
        "http:a",
        "http://",
        "http://:1",
        "http://a:b",
        "http://a:99999",
        "http://[a",
        "ftp://a",
        "http://a b",
    ],
)
def test_what_is_no_url_is_not(text: str) -> None:
    assert not checks.is_url(text)


def test_a_refused_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        checks.url("http://a:1")("X_URL", "user:hunter2@a")
    assert str(refused.value) == "X_URL must be a URL with http or https, for example http://a:1"


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("127.0.0.1:9701", ("127.0.0.1", 9701)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
        ("[::1]:80", ("::1", 80)),
        ("my-host.example:1", ("my-host.example", 1)),
    ],
)
def test_addresses_are_taken(text: str, pair: tuple[str, int]) -> None:
    assert checks.parse_address("X", text) == pair


@pytest.mark.parametrize("text", ["9701", ":9701", "a", "a:", "a:x", "a:65536", "a:²", "http://a:1", "a b:1", ""])
def test_an_address_needs_a_host_and_a_port(text: str) -> None:
    with pytest.raises(ConfigError, match=r"X_LISTEN is .*; it must be host:port"):
        checks.parse_address("X_LISTEN", text)


@pytest.mark.parametrize(
    ("first", "second"), [("127.0.0.1:1", "127.0.0.1:1"), ("0.0.0.0:1", "127.0.0.1:1"), ("a:1", "[::]:1")]
)
def test_two_addresses_must_not_be_one(first: str, second: str) -> None:
    with pytest.raises(ConfigError, match=r"B is .*, the address of A"):
        checks.check_apart(("A", first), ("B", second))


@pytest.mark.parametrize(("first", "second"), [("a:1", "a:2"), ("a:1", "b:1"), ("a:0", "a:0")])
def test_two_addresses_may_be_apart(first: str, second: str) -> None:
    checks.check_apart(("A", first), ("B", second))


def test_rates_are_read_by_name() -> None:
    assert checks.parse_rates("X", ("eur=1.08", "GBP = 1.27")) == {"EUR": 1.08, "GBP": 1.27}


@pytest.mark.parametrize("text", ["EUR", "EUR=", "EUR=x", "EUR=nan", "EUR=inf", "EUR=0", "EUR=-1", "=1"])
def test_a_rate_is_a_finite_number_above_0(text: str) -> None:
    with pytest.raises(ConfigError, match=r"X has .*; it must be like EUR=1.08"):
        checks.parse_rates("X", (text,))


@pytest.mark.parametrize(
    ("kind", "variable", "text", "words"),
    [
        ("rtmp", "RTMP_LISTEN", "9701", "RTMP_LISTEN is '9701'; it must be host:port"),
        ("rtmp", "RTMP_KEYS_URL", "bridge:8001", "RTMP_KEYS_URL must be a URL"),
        ("rtmp", "RTMP_TARGETS", "a=srs+http://u:hunter2@[x", "RTMP_TARGETS: 'http://***@[x' in target a is no http"),
        ("rtmp", "RTMP_POLL_SECONDS", "nan", "RTMP_POLL_SECONDS is nan; it must be a finite number"),
        ("rtmp", "LOG_LEVEL", "verbose", "LOG_LEVEL is 'VERBOSE'; it must be one of DEBUG, INFO"),
        ("hls", "HLS_STREAMS_URLS", "http://a/,user:hunter2@b/", "HLS_STREAMS_URLS must be a URL"),
        ("hls", "HLS_GRACE_SECONDS", "inf", "HLS_GRACE_SECONDS is inf; it must be a finite number"),
        ("viewers", "VIEWERS_PUBLIC_LISTEN", "8002", "VIEWERS_PUBLIC_LISTEN is '8002'; it must be host:port"),
        ("viewers", "VIEWERS_PUBLIC_LISTEN", "0.0.0.0:9704", "the address of VIEWERS_LISTEN; set another port"),
        ("viewers", "VIEWERS_STREAMS_URLS", "a:1", "VIEWERS_STREAMS_URLS must be a URL"),
        ("viewers", "VIEWERS_PEERS", "a:1", "VIEWERS_PEERS must be a URL"),
        ("viewers", "VIEWERS_CURRENCY_RATES", "EUR=nan", "VIEWERS_CURRENCY_RATES has 'EUR=nan'"),
    ],
)
def test_an_exporter_says_in_one_line_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, variable: str, text: str, words: str
) -> None:
    folders = {"VIEWERS_STATE_FOLDER": str(tmp_path / "a"), "VIEWERS_SPOOL_FOLDER": str(tmp_path / "b")}
    assert main([kind, "--check-config"], {**folders, variable: text}) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"{kind} exporter: ")
    assert words in error
    assert error.count("\n") == 1
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"targets: [\n hunter2", "not YAML near line 2"),
        (b"targets: [2024-99-99]", "not YAML"),
        (b"hunter2: 1", "it must have a list named targets"),
        (b"targets: [{stream: a, url: hunter2}]", "target 1 (a): origin has no http(s) URL"),
        (b"\xff\xfe", "no UTF-8 text"),
    ],
)
def test_a_broken_targets_file_stops_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    path = tmp_path / "targets.yml"
    path.write_bytes(content)
    assert main(["hls", "--check-config"], {"HLS_TARGETS_FILE": str(path)}) == 2
    assert capsys.readouterr().err == f"hls exporter: HLS_TARGETS_FILE: {path}: {words}\n"


def test_a_taken_port_names_its_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["rtmp"], {"RTMP_LISTEN": place}) == 2
    words = f"cannot listen on {place}: Address already in use; is another one running? Set RTMP_LISTEN to a free port"
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(("text", "level"), [("warning", "WARNING"), ("DEBUG", "DEBUG")])
def test_the_log_level_is_read_in_either_case(text: str, level: str) -> None:
    from exporters.logs import read_level

    assert read_level({"LOG_LEVEL": text}) == level
    assert read_level({}) == "INFO"
