"""The stream directory follows real lists and forgets nothing when a source is away."""

from __future__ import annotations

import pytest

from exporters.discovery import LiveStream, StreamDirectory, parse_streams, write_streams
from exporters.errors import SourceFormatError
from exporters.server import Reply, Request, RunningService, Service
from tests.servers import wait_until

DEMO = LiveStream("demo", "live", "live", 1795425442.5)
OTHER = LiveStream("other", "live", "ended", 1795425443.0)


def test_lists_round_trip_and_anything_else_is_refused() -> None:
    assert parse_streams(write_streams([DEMO, OTHER])) == (DEMO, OTHER)
    for body in (b"", b"[]", b'{"streams": [{"stream": "x"}]}', b'{"streams": 5}', b"\xff"):
        with pytest.raises(SourceFormatError):
            parse_streams(body)


def test_a_directory_follows_changes_and_keeps_them_when_the_source_is_away() -> None:
    body = [write_streams([DEMO])]

    def streams(_request: Request) -> Reply:
        return Reply(200, body[0], "application/json")

    running = RunningService(Service("rtmp", [], routes={"/streams": streams}), ("127.0.0.1", 0)).start()
    heard: list[set[str]] = []
    directory = StreamDirectory([f"http://127.0.0.1:{running.port}/streams"], interval_seconds=0.05)
    directory.on_change(lambda now: heard.append(set(now)))
    assert not directory.known
    directory.start()
    wait_until(lambda: directory.streams.get("demo") == DEMO, "the first list")
    body[0] = write_streams([DEMO, OTHER])
    wait_until(lambda: set(directory.streams) == {"demo", "other"}, "the changed list")
    body[0] = b"broken"
    running.stop()
    wait_until(lambda: directory.known, "the directory to go on")
    assert set(directory.streams) == {"demo", "other"}
    directory.stop()
    assert heard == [{"demo"}, {"demo", "other"}]
