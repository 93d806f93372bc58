"""Key registries: the file, the bridge, and the memory before it."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from exporters.errors import ConfigError, SourceError
from exporters.rtmp.keys import BridgeKeys, FileKeys, RememberedKeys, open_registry
from tests.rtmp.web import Answer, Asked, serving
from tests.servers import free_port


class Registry:
    """A registry that can go away."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = keys
        self.away = False
        self.asked = 0

    def stream_of(self, key: str) -> str | None:
        self.asked += 1
        if self.away:
            raise SourceError("away")
        return self.keys.get(key)


def test_a_file_maps_keys_to_streams(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    path.write_text("sk-1: demo\n")
    assert FileKeys(path).stream_of("sk-1") == "demo"
    assert FileKeys(path).stream_of("demo") is None


def test_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"sk-1": "demo"}))
    assert FileKeys(path).stream_of("sk-1") == "demo"


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    path.write_text("sk-1: demo\n")
    keys = FileKeys(path)
    assert keys.stream_of("sk-2") is None
    path.write_text("sk-2: other\n")
    os.utime(path, (1, 1))
    assert (keys.stream_of("sk-1"), keys.stream_of("sk-2")) == (None, "other")


@pytest.mark.parametrize("text", ["[sk-secret]", "sk-secret: 3", "sk-secret: [", "sk-secret: demo\n- x"])
def test_a_wrong_file_is_refused_without_showing_a_key(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.yml"
    path.write_text(text)
    with pytest.raises(SourceError) as raised:
        FileKeys(path).stream_of("sk-secret")
    assert "sk-secret" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_empty_file_knows_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    path.write_text("")
    assert FileKeys(path).stream_of("sk-1") is None


def test_the_bridge_is_asked_with_the_shared_secret() -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        known = json.loads(asked.body)["key"] == "sk-1"
        return Answer(200, b'{"stream": "demo"}') if known else Answer(404, b"{}")

    with serving(answer) as url:
        keys = BridgeKeys(f"{url}/internal/publish", "t0ken")
        assert keys.stream_of("sk-1") == "demo"
        assert keys.stream_of("sk-2") is None
    assert (seen[0].method, seen[0].path) == ("POST", "/internal/publish")
    assert seen[0].headers["x-internal-token"] == "t0ken"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(401), "auth"),
        (Answer(503), "http"),
        (Answer(302, headers={"Location": "http://elsewhere/"}), "http"),
        (Answer(200, b"<html>"), "parse"),
        (Answer(200, b'{"id": 1}'), "parse"),
        (Answer(200, b"[]"), "parse"),
    ],
)
def test_a_bridge_that_cannot_tell_is_an_error(answer: Answer, reason: str) -> None:
    with serving(lambda asked: answer) as url, pytest.raises(SourceError) as raised:
        BridgeKeys(url, "").stream_of("sk-secret")
    assert raised.value.reason == reason
    assert "sk-secret" not in str(raised.value)


def test_a_bridge_that_is_away_is_an_error() -> None:
    with pytest.raises(SourceError):
        BridgeKeys(f"http://127.0.0.1:{free_port()}/", "").stream_of("sk-1")


def test_answers_are_remembered_for_a_moment() -> None:
    now = [0.0]
    registry = Registry({"sk-1": "demo"})
    keys = RememberedKeys(registry, steady=lambda: now[0])
    for now[0] in (0.0, 0.9):
        assert keys.stream_of("sk-1") == "demo"
    assert registry.asked == 1
    del registry.keys["sk-1"]
    now[0] = 1.1
    assert keys.stream_of("sk-1") is None
    assert registry.asked == 2


def test_a_registry_that_is_away_refuses_unless_memory_may_outlast_it() -> None:
    now = [0.0]
    registry = Registry({"sk-1": "demo"})
    strict = RememberedKeys(registry, 10.0, steady=lambda: now[0])
    lasting = RememberedKeys(registry, 10.0, outlast=True, steady=lambda: now[0])
    assert (strict.stream_of("sk-1"), lasting.stream_of("sk-1")) == ("demo", "demo")
    registry.away, now[0] = True, 3600.0
    with pytest.raises(SourceError):
        strict.stream_of("sk-1")
    assert lasting.stream_of("sk-1") == "demo"
    with pytest.raises(SourceError):
        lasting.stream_of("sk-2")


def test_the_memory_is_bounded_and_long_keys_are_not_asked() -> None:
    registry = Registry({})
    keys = RememberedKeys(registry)
    for number in range(5000):
        keys.stream_of(f"sk-{number}")
    assert len(keys) == 4096
    registry.asked = 0
    assert keys.stream_of("k" * 257) is None
    assert keys.stream_of("") is None
    assert registry.asked == 0


def test_settings_choose_the_registry(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    path.write_text("sk-1: demo\n")
    assert isinstance(open_registry(str(path), "", "", False), FileKeys)
    assert isinstance(open_registry("", "http://bridge/internal/publish", "t", False), RememberedKeys)
    assert open_registry("", "", "", False) is None
    for file, url in ((str(path), "http://bridge/"), (str(tmp_path / "none"), "")):
        with pytest.raises(ConfigError, match="RTMP_KEYS"):
            open_registry(file, url, "", False)


def test_a_keys_file_that_is_no_text_is_refused_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "keys.yml"
    path.write_bytes(b"sk-1: demo\xff")
    with pytest.raises(ConfigError, match=r"RTMP_KEYS_FILE: the keys file .* is no UTF-8 text"):
        open_registry(str(path), "", "", False)


def test_memory_says_when_it_stands_in(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    registry = Registry({"sk-secret": "demo"})
    keys = RememberedKeys(registry, 1.0, outlast=True, steady=lambda: now[0])
    keys.stream_of("sk-secret")
    registry.away, now[0] = True, 5.0
    with caplog.at_level(logging.WARNING):
        keys.stream_of("sk-secret")
    assert "from memory" in caplog.text
    assert "sk-secret" not in caplog.text
