"""No secret leaves through a log line."""

from __future__ import annotations

import logging
import sys

import pytest

from bridge.logs import FORMAT, ScrubbingFormatter, scrub
from tests.bridge.tokens_made import signed

TOKEN = signed()


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (f"GET /x?token={TOKEN}&a=1", "GET /x?token=***&a=1"),
        (f"GET /x?a=1&access_token={TOKEN} 200", "GET /x?a=1&access_token=*** 200"),
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        (f"Sec-WebSocket-Protocol: bearer, {TOKEN}", "Sec-WebSocket-Protocol: bearer, ***"),
        (f"bad header {TOKEN!r}", "bad header '***'"),
        ("GET /api/streams 200 0.4ms id=abc", "GET /api/streams 200 0.4ms id=abc"),
    ],
)
def test_tokens_are_taken_out(line: str, written: str) -> None:
    assert scrub(line) == written


def test_tracebacks_are_scrubbed_too() -> None:
    try:
        raise ValueError(f"bad token={TOKEN}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    assert TOKEN not in ScrubbingFormatter(FORMAT).format(record)
