"""Stream keys: random, looked up by digest, sealed in the database."""

from __future__ import annotations

import re

from bridge.streams.keys import KeyBox


def test_keys_differ_and_can_stand_in_a_url_without_a_rendition_mark() -> None:
    keys = {KeyBox.generate() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"[A-Za-z0-9]{32}", key) for key in keys)


def test_a_sealed_key_is_opened_with_the_same_secret_only() -> None:
    held = KeyBox("secret one").seal("abc")
    assert b"abc" not in held
    assert KeyBox("secret one").unseal(held) == "abc"
    assert KeyBox("secret two").unseal(held) is None
    assert KeyBox("").unseal(held) is None


def test_without_a_secret_a_key_is_held_as_it_is_and_stays_readable_when_a_secret_is_set() -> None:
    held = KeyBox("").seal("abc")
    assert held == b"plain:abc"
    assert KeyBox("secret").unseal(held) == "abc"


def test_the_digest_of_a_key_is_the_same_whatever_the_secret() -> None:
    assert KeyBox("a").digest("abc") == KeyBox("b").digest("abc") == KeyBox.digest("abc")
    assert KeyBox.digest("abc").hex().startswith("ba7816bf8f01cfea")


def test_a_key_that_is_no_unicode_has_a_digest_too() -> None:
    assert len(KeyBox.digest("\udcff")) == 32
