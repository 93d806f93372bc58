"""Sources: every worker of a media server is read."""

from __future__ import annotations

from itertools import cycle

import pytest

from exporters.errors import SourceError
from exporters.rtmp.sources import ATTEMPTS_A_WORKER, NginxSource
from tests.rtmp.fixtures import Recorded


def page(pid: int) -> bytes:
    return f"<rtmp><pid>{pid}</pid></rtmp>".encode()


def test_each_listener_is_asked_once() -> None:
    fetch = Recorded({":1/stat": page(11), ":2/stat": page(12)})
    readings = NginxSource(("http://h:1/stat", "http://h:2/stat"), fetch, workers=2).read()
    assert [one.epoch for one in readings] == ["11", "12"]
    assert len(fetch.asked) == 2


def test_a_listener_that_fails_does_not_hide_the_others() -> None:
    fetch = Recorded({":1/stat": SourceError("away", "connect"), ":2/stat": page(12)})
    readings = NginxSource(("http://h:1/stat", "http://h:2/stat"), fetch, workers=2).read()
    assert [one.epoch for one in readings] == ["12"]


def test_when_every_listener_fails_the_server_is_away() -> None:
    with pytest.raises(SourceError, match="away"):
        NginxSource(("http://h:1/stat",), Recorded({"/stat": SourceError("away")})).read()


def test_a_shared_listener_is_asked_until_every_worker_was_seen() -> None:
    pids = cycle([11, 11, 12, 13])
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return page(next(pids))

    readings = NginxSource(("http://h/stat",), fetch, workers=3).read()
    assert sorted(one.epoch for one in readings) == ["11", "12", "13"]
    assert len(asked) == 4


def test_a_worker_that_never_answers_costs_a_bounded_number_of_requests() -> None:
    fetch = Recorded({"/stat": page(11)})
    readings = NginxSource(("http://h/stat",), fetch, workers=2).read()
    assert [one.epoch for one in readings] == ["11"]
    assert len(fetch.asked) == 1 + 2 * ATTEMPTS_A_WORKER
