"""The gate: which publishes may happen, and under which name."""

from __future__ import annotations

import logging

import pytest

from exporters.errors import SourceError
from exporters.naming import Naming
from exporters.rtmp.gate import Gate, Verdict

REFUSED = Verdict("", "refused")


class Keys:
    def __init__(self, **keys: str) -> None:
        self._keys = keys

    def stream_of(self, key: str) -> str | None:
        if key == "broken":
            raise SourceError("the registry is away")
        return self._keys.get(key)


GATE = Gate(Keys(sk1="demo", sk2="../etc", sk_low="low"), Naming())


def test_a_known_key_is_renamed_to_the_public_id() -> None:
    assert GATE.check("sk1") == Verdict("demo", "renamed")


def test_a_rendition_keeps_its_suffix() -> None:
    assert GATE.check("sk1_720p") == Verdict("demo_720p", "renamed")


def test_a_key_that_ends_like_a_rendition_is_still_a_key() -> None:
    assert GATE.check("sk_low") == Verdict("low", "renamed")


def test_the_public_id_alone_is_no_key() -> None:
    assert GATE.check("demo") == REFUSED


def test_the_key_may_stand_beside_the_public_name() -> None:
    assert GATE.check("demo_720p", ["sk1"]) == Verdict("demo_720p", "allowed")
    assert GATE.check("demo", ["sk1"], may_rename=False) == Verdict("demo", "allowed")


def test_a_key_of_another_stream_is_refused() -> None:
    assert GATE.check("other", ["sk1"]) == REFUSED


def test_only_the_first_key_counts() -> None:
    assert GATE.check("demo", ["wrong", "sk1"]) == REFUSED


def test_where_nothing_renames_a_key_as_name_is_refused() -> None:
    assert GATE.check("sk1", may_rename=False) == REFUSED


def test_a_registry_cannot_name_a_path() -> None:
    assert GATE.check("sk2") == REFUSED


@pytest.mark.parametrize("name", ["", "../demo", "a/b", "a b", "-x", "a" * 129, "é"])
def test_without_a_registry_well_formed_names_are_public(name: str) -> None:
    assert Gate(None, Naming()).check("demo_720p") == Verdict("demo_720p", "allowed")
    assert Gate(None, Naming()).check(name) == REFUSED


def test_a_registry_that_cannot_tell_refuses_and_shows_no_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert GATE.check("broken") == Verdict("", "unchecked")
    assert "registry is away" in caplog.text
    assert "broken" not in caplog.text
