"""The allow-list of origins admits what it names and nothing that looks like it."""

from __future__ import annotations

import pytest

from bridge.origins import Origins

ORIGINS = Origins(("https://app.example.com", "http://localhost:*", "http://[::1]:*"))


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "HTTPS://APP.example.com",
        "http://localhost",
        "http://localhost:5173",
        "http://[::1]:80",
    ],
)
def test_named_origins_are_allowed(origin: str) -> None:
    assert ORIGINS.allows(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "https://localhost:5173",
        "http://localhost.evil.example:80",
        "http://localhost:80@evil.example",
        "http://user@localhost:80",
        "http://localhost:80/path",
        "http://localhost:99999",
        "http://localhost:x",
    ],
)
def test_others_are_not(origin: str) -> None:
    assert not ORIGINS.allows(origin)
