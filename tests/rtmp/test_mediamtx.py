"""MediaMTX: answers in the documented shapes of API v3, of both generations."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from exporters.errors import SourceFormatError
from exporters.rtmp.mediamtx import MediamtxSource, split_path
from exporters.rtmp.model import Audio, ServerReading, StreamReading, Video
from tests.rtmp.fixtures import Recorded, fixture

WALL = datetime(2026, 11, 23, 8, 30, tzinfo=UTC).timestamp()
FIRST_PAGE = "/list?page=0&itemsPerPage=1000"
NEWER = {
    "/v3/info": fixture("mediamtx-info.json"),
    "/v3/paths" + FIRST_PAGE: fixture("mediamtx-paths.json"),
    "/v3/rtmpconns" + FIRST_PAGE: fixture("mediamtx-rtmpconns.json"),
    "/v3/srtconns" + FIRST_PAGE: fixture("mediamtx-srtconns.json"),
    "/v3/webrtcsessions" + FIRST_PAGE: fixture("mediamtx-webrtcsessions.json"),
}
OLDER = {"/v3/paths" + FIRST_PAGE: fixture("mediamtx-paths-older.json")}


def read(answers: dict[str, bytes]) -> ServerReading:
    (reading,) = MediamtxSource("http://mtx:9997", Recorded(answers), wall=lambda: WALL).read()
    return reading


def named(reading: ServerReading, name: str) -> StreamReading:
    return next(one for one in reading.streams if one.name == name)


def test_a_server_is_read_with_its_paths() -> None:
    reading = read(NEWER)
    assert reading.version == "MediaMTX v1.16.0"
    assert reading.uptime_seconds == pytest.approx(1799.876544)
    demo = named(reading, "demo")
    assert demo.app == "live"
    assert demo.publisher is not None
    assert demo.publisher.id == "0b1e6f0e-1111-4c7d-9d56-000000000001"
    assert (demo.publisher.protocol, demo.publisher.encoder) == ("rtmp", "obs")
    assert demo.publisher.connected_seconds == 1199.5
    assert (demo.receive_bytes, demo.transmit_bytes, demo.error_frames) == (5_000_000, 9_000_000, 3)
    assert demo.clients == {"publisher": 1, "subscriber": 2, "relay": 1}
    assert demo.dropped == {"w2": ("subscriber", 12)}
    assert demo.video == Video("H264", "High", 1280, 720)
    assert demo.audio == Audio("MPEG-4 Audio", 48000, 2)


def test_the_older_generation_gives_the_same_facts_as_far_as_it_has_them() -> None:
    reading = read(OLDER)
    assert reading.version == "MediaMTX"
    demo = named(reading, "demo")
    assert demo.publisher is not None
    assert demo.publisher.connected_seconds == 1200.0
    assert (demo.receive_bytes, demo.transmit_bytes) == (5_000_000, 9_000_000)
    assert (demo.video.codec, demo.audio.codec) == ("H264", "MPEG-4 Audio")
    assert demo.clients == {"publisher": 1, "subscriber": 1, "relay": 0}


def test_srt_tells_round_trip_and_loss() -> None:
    cam = named(read(NEWER), "cam")
    assert cam.app == "default"
    assert cam.publisher is not None
    assert (cam.publisher.protocol, cam.publisher.rtt_seconds, cam.publisher.loss_ratio) == ("srt", 0.0245, 0.005)
    assert cam.video == Video("H265", "Main", 1920, 1080)
    assert cam.audio == Audio("Opus", None, 2)


def test_webrtc_loss_is_counted_in_packets() -> None:
    paths = fixture("mediamtx-paths.json").replace(b"0b1e6f0e-1111-4c7d-9d56-000000000001", b"w2")
    sessions = fixture("mediamtx-webrtcsessions.json")
    sessions = sessions.replace(b'"inboundRTPPackets": 0', b'"inboundRTPPackets": 75')
    sessions = sessions.replace(b'"inboundRTPPacketsLost": 0', b'"inboundRTPPacketsLost": 25')
    answers = {**NEWER, "/v3/paths" + FIRST_PAGE: paths, "/v3/webrtcsessions" + FIRST_PAGE: sessions}
    publisher = named(read(answers), "demo").publisher
    assert publisher is not None
    assert publisher.loss_ratio == 0.25


def test_a_stand_in_picture_or_a_redirect_is_no_publisher() -> None:
    reading = read(NEWER)
    assert named(reading, "waiting").publisher is None
    assert named(reading, "moved").publisher is None


def test_every_page_is_read() -> None:
    paths = orjson.loads(fixture("mediamtx-paths.json")) | {"pageCount": 2}
    second = {**paths, "items": [{**paths["items"][0], "name": "live/second"}]}
    answers = {
        **NEWER,
        "/v3/paths" + FIRST_PAGE: orjson.dumps(paths),
        "/v3/paths/list?page=1&itemsPerPage=1000": orjson.dumps(second),
    }
    assert len(read(answers).streams) == 5


def test_paths_split_into_application_and_name() -> None:
    assert split_path("a/b/c") == ("a/b", "c")
    assert split_path("cam") == ("default", "cam")


@pytest.mark.parametrize("body", [b"", b"[]", b"404 page not found", b'{"error":"no"}'])
def test_anything_else_is_a_format_error(body: bytes) -> None:
    with pytest.raises(SourceFormatError):
        read({**NEWER, "/v3/paths" + FIRST_PAGE: body})
