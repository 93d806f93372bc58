from __future__ import annotations

import aiohttp
import pytest

from exporters.hls.exchange import StatusError, cache_state, code_class
from exporters.hls.fetching import Answer, exact_url, reason_of
from exporters.hls.validators import cache_seconds, conditional_headers


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({"X-Cache": "HIT"}, "hit"),
        ({"X-Cache": "Miss from cloudfront"}, "miss"),
        ({"X-Cache": "RefreshHit from cloudfront"}, "revalidated"),
        ({"X-Cache": "MISS, HIT"}, "hit"),
        ({"X-Cache": "TCP_MISS from a1.deploy.akamaitechnologies.com"}, "miss"),
        ({"X-Cache": "EXPIRED"}, "miss"),
        ({"X-Cache": "UPDATING"}, "stale"),
        ({"CF-Cache-Status": "DYNAMIC"}, "bypass"),
        ({"CF-Cache-Status": "REVALIDATED"}, "revalidated"),
        ({"Cache-Status": "ExampleCache; hit"}, "hit"),
        ({"Age": "12"}, "hit"),
        ({"Age": "0"}, "none"),
        ({}, "none"),
    ],
)
def test_cache_state_is_told_by_the_headers_of_each_cache(headers: dict[str, str], state: str) -> None:
    assert cache_state(headers) == state


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "timeout"),
        (aiohttp.ServerTimeoutError(), "timeout"),
        (aiohttp.ClientPayloadError(), "truncated"),
        (aiohttp.ServerDisconnectedError(), "connect"),
        (aiohttp.InvalidURL("x"), "parse"),
        (ConnectionResetError(), "connect"),
    ],
)
def test_failures_are_told_apart(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_a_signed_url_goes_out_as_it_is_and_an_unquoted_one_is_quoted() -> None:
    assert str(exact_url("http://o/a%2fb.ts?sig=x%2By/z~")) == "http://o/a%2fb.ts?sig=x%2By/z~"
    assert str(exact_url("http://o/a b/ä.ts")) == "http://o/a%20b/%C3%A4.ts"


@pytest.mark.parametrize(("status", "word"), [(206, "2xx"), (304, "3xx"), (599, "5xx"), (999, "5xx"), (0, "5xx")])
def test_status_classes_are_five(status: int, word: str) -> None:
    assert code_class(status) == word


def test_messages_hold_no_tokens() -> None:
    error = StatusError(Answer("http://o/a.m3u8?token=secret", 403, {}, b"", 0, 0.1, 0.1))
    assert (str(error), error.reason, error.status) == ("http://o/a.m3u8: status 403", "http_4xx", 403)


NOON = "Mon, 23 Nov 2026 12:00:00 GMT"
ONE_LATER = "Mon, 23 Nov 2026 12:00:01 GMT"
TWO_LATER = "Mon, 23 Nov 2026 12:00:02 GMT"


def test_validators_are_sent_only_when_a_second_write_in_the_same_second_cannot_hide() -> None:
    headers = {"ETag": '"a"', "Last-Modified": NOON}
    assert conditional_headers({**headers, "Date": ONE_LATER}) == {}
    assert conditional_headers(headers) == {}
    assert conditional_headers({**headers, "Date": TWO_LATER}) == {"If-None-Match": '"a"', "If-Modified-Since": NOON}
    assert conditional_headers({"ETag": '"a"'}) == {"If-None-Match": '"a"'}


def test_only_a_cache_that_shows_itself_is_granted_its_time() -> None:
    assert cache_seconds({"Cache-Control": "public, max-age=2"}) == 0
    assert cache_seconds({"Cache-Control": "public, max-age=2", "X-Cache": "HIT"}) == 2
    assert cache_seconds({"Cache-Control": "max-age=86400", "Age": "1"}) == 60
    assert cache_seconds({"Cache-Control": "no-store", "Age": "1"}) == 0
