"""The poller: one target's rounds, good and bad."""

from __future__ import annotations

import logging
import os

import pytest

from exporters.errors import SourceError
from exporters.naming import Naming
from exporters.rtmp.book import StreamBook
from exporters.rtmp.model import ServerReading
from exporters.rtmp.poller import Poller, process_alive
from exporters.rtmp.publicnames import PublicNames, hidden
from exporters.rtmp.servers import ServerRecord, ServerTables
from exporters.rtmp.tallies import Tallies
from exporters.rtmp.targets import parse_target
from tests.rtmp.fixtures import HandClock, server, stream
from tests.servers import wait_until

TARGET = parse_target("T", "a=nginx-rtmp+http://127.0.0.1/stat")


class Script:
    """A source that gives one prepared answer after the other, then the last one for ever."""

    def __init__(self, *answers: tuple[ServerReading, ...] | Exception) -> None:
        self._answers = list(answers)

    def read(self) -> tuple[ServerReading, ...]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Scene:
    def __init__(self, *answers: tuple[ServerReading, ...] | Exception, **options: object) -> None:
        self.clock = HandClock()
        self.book = StreamBook(Naming(), Tallies(), clock=self.clock)
        self.tables = ServerTables()
        record = ServerRecord(TARGET, self.tables)
        self.poller = Poller(TARGET, Script(*answers), self.book, record, 0.01, clock=self.clock, **options)  # type: ignore[arg-type]

    def live(self) -> list[str]:
        return [one.stream for one in self.book.streams() if one.state == "live"]


def test_a_good_poll_reaches_the_book_and_the_tables() -> None:
    scene = Scene((server(stream()),), host_cpu=lambda: 0.25)
    scene.poller.poll()
    assert scene.live() == ["demo"]
    assert scene.tables.up.get("a", "nginx-rtmp") == 1
    assert scene.tables.cpu.get("a") == 0.25


def test_a_failed_poll_is_up_0_with_its_reason_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene((server(stream()),), SourceError("no answer", "timeout"), (server(stream()),))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            scene.poller.poll()
    assert scene.tables.errors.get("a", "timeout") == 1
    assert scene.live() == ["demo"]
    assert scene.tables.up.get("a", "nginx-rtmp") == 1
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_server_that_stays_away_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(SourceError("no answer", "timeout"))
    for _ in range(10):
        scene.poller.poll()
    assert len(caplog.records) == 1
    assert scene.tables.errors.get("a", "timeout") == 10


def test_ignored_applications_are_not_seen() -> None:
    reading = ServerReading("v", "1", apps=("live", "hls"), streams=(stream("a"), stream("b", app="hls")))
    scene = Scene((reading,), ignored_apps=frozenset({"hls"}))
    scene.poller.poll()
    assert scene.live() == ["a"]
    assert scene.tables.streams.get("a", "hls", "idle") is None


def test_keys_shown_as_names_reach_nothing() -> None:
    scene = Scene((server(stream("sk-1")),), names=PublicNames(Naming(), None, "s"))
    scene.poller.poll()
    assert scene.live() == [hidden("sk-1", "s")]


def test_a_process_probe_is_trusted_where_it_knows_the_processes_that_answer() -> None:
    for known, expected in (({"100", "200"}, ["demo"]), ({"200"}, []), (set(), ["demo"])):
        scene = Scene((server(stream(), epoch="100"),), (server(epoch="200"),), worker_alive=known.__contains__)
        scene.poller.poll()
        scene.poller.poll()
        assert scene.live() == expected


def test_processes_are_known_by_their_number() -> None:
    assert process_alive(str(os.getpid())) is True
    assert process_alive("4194305") is False
    assert process_alive("srs/1") is None


def test_the_loop_survives_a_failed_turn(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(RuntimeError("surprise"), (server(stream()),))
    scene.poller.start()
    wait_until(scene.live, "the second turn")
    scene.poller.stop()
    assert "surprise" in caplog.text
