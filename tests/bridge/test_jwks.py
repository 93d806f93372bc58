"""The issuer's keys: fetched when needed, kept through an outage, renewed on rotation."""

from __future__ import annotations

import json
import threading

import pytest
import requests
import urllib3

from bridge.jwks import KeyServerError, KeySet, parse_keys
from tests.bridge.tokens_made import EC_KEY, NEW_RSA_KEY, RSA_KEY, jwk, key_server


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_keys_are_fetched_once() -> None:
    with key_server({"r": RSA_KEY, "e": EC_KEY}) as server:
        keys = KeySet(server.url)
        assert keys.key("r") is not None
        assert keys.key("e") is not None
        assert server.asked == 1


def test_a_rotated_key_is_fetched_when_a_token_names_it() -> None:
    clock = Clock()
    with key_server({"old": RSA_KEY}) as server:
        keys = KeySet(server.url, now=clock)
        assert keys.key("old") is not None
        server.keys = {"new": NEW_RSA_KEY}
        clock.now = 11.0
        assert keys.key("new") is not None
        assert keys.key("old") is None
        assert server.asked == 2


def test_unknown_keys_do_not_hammer_the_key_server() -> None:
    clock = Clock()
    with key_server({"r": RSA_KEY}) as server:
        keys = KeySet(server.url, now=clock)
        for _ in range(50):
            assert keys.key("made-up") is None
        assert server.asked == 1
        clock.now = 11.0
        assert keys.key("made-up") is None
        assert server.asked == 2


def test_kept_keys_go_on_working_while_the_key_server_is_away() -> None:
    clock = Clock()
    with key_server({"r": RSA_KEY}) as server:
        keys = KeySet(server.url, now=clock)
        keys.key("r")
        server.away = True
        clock.now = 5000.0
        assert keys.key("r") is not None
        assert server.asked == 2


def test_without_any_key_nothing_can_be_judged() -> None:
    def away(url: str) -> bytes:
        raise requests.ConnectionError("refused")

    with pytest.raises(KeyServerError):
        KeySet("http://key-server", fetch=away).key("r")


@pytest.mark.parametrize(
    "fault",
    [
        requests.ConnectionError("refused"),
        urllib3.exceptions.DecodeError("broken gzip"),
        urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("key-server"), "/", "stalled"),
    ],
)
def test_kept_keys_go_on_working_whatever_the_key_server_does(fault: Exception) -> None:
    clock, documents = Clock(), [json.dumps({"keys": [jwk(RSA_KEY, "r")]}).encode()]

    def fetch(url: str) -> bytes:
        if documents:
            return documents.pop()
        raise fault

    keys = KeySet("http://key-server", fetch=fetch, now=clock)
    assert keys.key("r") is not None
    clock.now = 5000.0
    assert keys.key("r") is not None


def test_a_kept_key_is_given_while_another_caller_waits_for_the_key_server() -> None:
    clock, fetching, answer = Clock(), threading.Event(), threading.Event()
    document = json.dumps({"keys": [jwk(RSA_KEY, "r")]}).encode()

    def fetch(url: str) -> bytes:
        if clock.now:
            fetching.set()
            answer.wait(30)
        return document

    keys = KeySet("http://key-server", fetch=fetch, now=clock)
    assert keys.key("r") is not None
    clock.now = 5000.0
    waiting = threading.Thread(target=keys.key, args=("r",))
    waiting.start()
    assert fetching.wait(30)
    assert keys.key("r") is not None
    answer.set()
    waiting.join()


@pytest.mark.parametrize(
    "document", [b"[" * 100_000, b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}']
)
def test_what_holds_no_public_signing_key_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError):
        parse_keys(document)


def test_symmetric_and_encryption_keys_are_left_out() -> None:
    rows = [
        jwk(RSA_KEY, "r"),
        {"kty": "oct", "kid": "s", "k": "c2VjcmV0"},
        {**jwk(RSA_KEY, "x"), "use": "enc"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": ["RSA"], "kid": "odd"},
        {**jwk(RSA_KEY, "y"), "alg": ["x"]},
    ]
    assert list(parse_keys(json.dumps({"keys": rows}).encode())) == ["r"]


def test_an_endless_document_is_refused() -> None:
    with pytest.raises(ValueError, match="over"):
        parse_keys(b" " * (1 << 19))
