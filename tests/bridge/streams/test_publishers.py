"""Publishers of stopped streams: cut off at a real media server, and by each media server's own command."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from bridge.database import Database
from bridge.streams.publishers import Publishers, commands
from bridge.streams.settings import StreamsConfig
from exporters.errors import SourceError
from exporters.rtmp.model import Publisher, StreamReading
from exporters.rtmp.service import RtmpConfig
from exporters.rtmp.targets import parse_target
from exporters.settings import Secret
from tests.bridge.streams.world import INTERNAL, World, world
from tests.media import media_server, publishing
from tests.rtmp.test_live import exporter
from tests.rtmp.web import Answer, Asked, serving
from tests.servers import free_port, wait_until

HOSTILE = "../a b?c&d=e#f/ü"
QUOTED = "..%2Fa%20b%3Fc%26d%3De%23f%2F%C3%BC"


def published(protocol: str = "rtmp", id: str = HOSTILE) -> StreamReading:
    return StreamReading(app="live", name=HOSTILE, publisher=Publisher(id, protocol))


@pytest.mark.parametrize(
    ("target", "protocol", "expected"),
    [
        (
            "a=nginx-rtmp+http://h:1/stat|http://h:2/rtmp/stat",
            "rtmp",
            [
                ("GET", "http://h:1/control/drop/publisher?app=live&name=..%2Fa+b%3Fc%26d%3De%23f%2F%C3%BC"),
                ("GET", "http://h:2/rtmp/control/drop/publisher?app=live&name=..%2Fa+b%3Fc%26d%3De%23f%2F%C3%BC"),
            ],
        ),
        ("a=srs+http://h:1985", "rtmp", [("DELETE", f"http://h:1985/api/v1/clients/{QUOTED}")]),
        ("a=srs+http://h:1985/api/v1", "srt", [("DELETE", f"http://h:1985/api/v1/clients/{QUOTED}")]),
        ("a=mediamtx+http://h:9997", "rtmp", [("POST", f"http://h:9997/v3/rtmpconns/kick/{QUOTED}")]),
        ("a=mediamtx+http://h:9997/v3/", "webrtc", [("POST", f"http://h:9997/v3/webrtcsessions/kick/{QUOTED}")]),
    ],
)
def test_each_media_server_is_told_in_its_own_way(target: str, protocol: str, expected: list[tuple[str, str]]) -> None:
    assert list(commands(parse_target("T", target), published(protocol))) == expected


def test_what_cannot_be_cut_is_an_error() -> None:
    with pytest.raises(SourceError, match="publishers by hls cannot be cut"):
        list(commands(parse_target("T", "a=mediamtx+http://h:9997"), published("hls")))


def test_renditions_are_cut_and_other_streams_are_not() -> None:
    names = {"demo", "demo_720p", "demo_2", "other"}

    def answer(asked: Asked) -> Answer:
        if asked.path.startswith("/control/"):
            assert "app=live" in asked.path
            names.discard(asked.path.rpartition("name=")[2])
            return Answer(body=b"1")
        streams = "".join(
            f"<stream><name>{name}</name><client><id>1</id><publishing/></client><publishing/></stream>"
            for name in names
        )
        live = f"<application><name>live</name><live>{streams}</live></application>"
        return Answer(body=f"<rtmp><pid>1</pid><server>{live}</server></rtmp>".encode())

    with serving(answer) as url:
        ended = Publishers((), sleep=lambda seconds: None).end(parse_target("T", f"a=nginx-rtmp+{url}/stat"), "demo")
    assert ended == 2
    assert names == {"demo_2", "other"}


def test_a_publisher_that_stays_is_an_error() -> None:
    page = b"<rtmp><pid>1</pid><server><application><name>live</name><live><stream><name>demo</name>"
    page += b"<client><id>1</id><publishing/></client></stream></live></application></server></rtmp>"
    with serving(lambda asked: Answer(body=page)) as url, pytest.raises(SourceError, match="goes on publishing"):
        Publishers((), sleep=lambda seconds: None).end(parse_target("T", f"a=nginx-rtmp+{url}/stat"), "demo")


@contextmanager
def reached(one: World) -> Iterator[str]:
    """The world's app behind a port."""
    server = make_server("127.0.0.1", 0, one.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.mark.live
def test_a_stopped_streams_publisher_is_gone_and_cannot_come_back(tmp_path: Path, database: Database) -> None:
    hooks_port = free_port()
    with media_server(tmp_path / "media", hooks_port) as media:
        target = f"m=nginx-rtmp+{media.stat_url}"
        one = world(database, settings=StreamsConfig(media_servers=(target,)))
        ann = one.caller("ann")
        key = ann.post("/api/streams", {"id": "demo", "title": "Demo"}).get_json()["stream_key"]
        with reached(one) as url:
            config = RtmpConfig(
                targets=(target,),
                ignore_apps=("hls",),
                poll_seconds=60,
                keys_url=f"{url}/internal/publish",
                keys_token=Secret(INTERNAL),
            )
            with (
                exporter(config, hooks_port) as hop,
                publishing(f"{media.rtmp_url}/{key}", tmp_path / "f.log") as encoder,
            ):
                hop.wait_state("demo", "live")
                assert ann.post("/api/streams/demo/start").status_code == 200
                assert encoder.poll() is None
                assert ann.post("/api/streams/demo/stop").get_json() == {"status": "ended"}
                wait_until(lambda: encoder.poll() is not None, "the encoder to be cut off")
                hop.wait_state("demo", "ended")
                with publishing(f"{media.rtmp_url}/{key}", tmp_path / "again.log") as again:
                    assert again.wait(timeout=30) != 0
                wait_until(
                    lambda: one.services.telemetry.commands.get("publisher_cut", "ok") == 1, "the cut to be counted"
                )


@pytest.mark.live
def test_a_media_server_that_is_away_delays_no_stop(database: Database) -> None:
    away = f"m=nginx-rtmp+http://127.0.0.1:{free_port()}/stat"
    one = world(database, settings=StreamsConfig(media_servers=(away,)))
    ann = one.caller("ann")
    ann.post("/api/streams", {"id": "demo", "title": "Demo"})
    ann.post("/api/streams/demo/start")
    assert ann.post("/api/streams/demo/stop").status_code == 200
    wait_until(lambda: one.services.telemetry.commands.get("publisher_cut", "failed") == 1, "the failure to be counted")
