"""Fetching: limits of time and size, and errors that say what went wrong."""

from __future__ import annotations

import pytest

from exporters.errors import SourceError
from exporters.rtmp.fetch import HttpFetch, NotFoundError
from tests.rtmp.web import Answer, Asked, serving
from tests.servers import free_port


def reason(answer: Answer, timeout_seconds: float = 2.0, max_bytes: int = 1000) -> str:
    with serving(lambda asked: answer) as url, pytest.raises(SourceError) as raised:
        HttpFetch(timeout_seconds, max_bytes)(url)
    return raised.value.reason


def test_a_good_answer_gives_its_body() -> None:
    with serving(lambda asked: Answer(body=b"hello")) as url:
        assert HttpFetch()(url) == b"hello"


@pytest.mark.parametrize(("status", "expected"), [(401, "auth"), (403, "auth"), (500, "http"), (204, "http")])
def test_other_statuses_have_reasons(status: int, expected: str) -> None:
    assert reason(Answer(status)) == expected


def test_what_is_not_there_can_be_told_apart() -> None:
    with serving(lambda asked: Answer(404)) as url, pytest.raises(NotFoundError):
        HttpFetch()(url)


def test_nobody_there_is_a_failed_connection() -> None:
    with pytest.raises(SourceError) as raised:
        HttpFetch()(f"http://127.0.0.1:{free_port()}/")
    assert raised.value.reason == "connect"


def test_a_silent_server_is_given_up() -> None:
    assert reason(Answer(body=b"x", pause_seconds=1.0), timeout_seconds=0.1) == "timeout"


def test_a_server_that_dribbles_is_given_up_as_well() -> None:
    assert reason(Answer(body=b"x" * 70_000, times=50, pause_seconds=0.05), 0.2, 10**9) == "timeout"


def test_an_answer_over_the_cap_is_cut_short() -> None:
    assert reason(Answer(body=b"x" * 1001)) == "size"


def test_a_fresh_fetch_closes_its_connection_and_a_token_is_sent() -> None:
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answer:
        seen.append(asked)
        return Answer(body=b"ok")

    with serving(answer) as url:
        HttpFetch(fresh=True, authorization="Basic eDp5")(url)
    assert seen[0].headers["connection"] == "close"
    assert seen[0].headers["authorization"] == "Basic eDp5"
