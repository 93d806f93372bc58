"""Servers that show keys as names: mapped or hidden before anything else sees them."""

from __future__ import annotations

from exporters.errors import SourceError
from exporters.naming import Naming
from exporters.rtmp.publicnames import PublicNames, hidden
from tests.rtmp.fixtures import server, stream


class Keys:
    def __init__(self) -> None:
        self.away = False
        self.asked = 0

    def stream_of(self, key: str) -> str | None:
        self.asked += 1
        if self.away:
            raise SourceError("away")
        return {"sk-1": "demo"}.get(key)


def names(shown: PublicNames, *given: str) -> list[str]:
    (reading,) = shown.apply((server(*(stream(name) for name in given)),))
    return [one.name for one in reading.streams]


def test_known_keys_become_public_ids_with_their_rendition() -> None:
    assert names(PublicNames(Naming(), Keys(), "s"), "sk-1", "sk-1_720p") == ["demo", "demo_720p"]


def test_unknown_keys_are_hidden_but_stay_one_stream() -> None:
    first, second = names(PublicNames(Naming(), Keys(), "s"), "sk-9_720p", "sk-9_480p")
    assert first == hidden("sk-9", "s") + "_720p"
    assert Naming().stream(first) == Naming().stream(second)
    assert "sk-9" not in first


def test_without_a_registry_every_name_is_hidden() -> None:
    assert names(PublicNames(Naming(), None, "s"), "sk-1") == [hidden("sk-1", "s")]


def test_the_secret_decides_what_a_hidden_name_is() -> None:
    assert hidden("sk-1", "a") == hidden("sk-1", "a")
    assert hidden("sk-1", "a") != hidden("sk-1", "b")
    assert len(hidden("sk-1", "a")) == 20


def test_a_name_is_looked_up_once_while_it_is_shown() -> None:
    keys = Keys()
    shown = PublicNames(Naming(), keys, "s")
    for _ in range(5):
        names(shown, "sk-1")
    assert keys.asked == 1
    names(shown)
    names(shown, "sk-1")
    assert keys.asked == 2


def test_while_the_registry_is_away_new_names_are_left_out_and_known_ones_stay() -> None:
    keys = Keys()
    shown = PublicNames(Naming(), keys, "s")
    names(shown, "sk-1")
    keys.away = True
    assert names(shown, "sk-1", "sk-2") == ["demo"]
    keys.away = False
    assert names(shown, "sk-1", "sk-2") == ["demo", hidden("sk-2", "s")]
