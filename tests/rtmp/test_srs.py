"""SRS: recorded answers of its API, page by page."""

from __future__ import annotations

import orjson
import pytest

from exporters.errors import SourceFormatError, SourceUnreachableError
from exporters.rtmp.model import Audio, Video
from exporters.rtmp.srs import SrsSource, app_label, parse_envelope
from tests.rtmp.fixtures import Recorded, fixture

ANSWERS = {
    "/api/v1/summaries/": fixture("srs-summaries.json"),
    "/api/v1/vhosts/": fixture("srs-vhosts.json"),
    "/api/v1/streams/?start=0&count=1000": fixture("srs-streams.json"),
    "/api/v1/clients/?start=0&count=1000": fixture("srs-clients.json"),
}


def rows(kind: str, ids: range, **changes: object) -> bytes:
    """A page of the recorded list with as many rows as ids."""
    answer = orjson.loads(fixture(f"srs-{kind}.json"))
    first = answer[kind][0]
    answer[kind] = [{**first, "id": f"vid-{id}", "name": f"s{id}"} for id in ids]
    return orjson.dumps({**answer, **changes})


def test_a_server_is_read_with_its_streams() -> None:
    (reading,) = SrsSource("http://srs:1985", Recorded(ANSWERS)).read()
    assert reading.version == "SRS 6.0.157"
    assert reading.epoch == "vid-o40714i/mi55l037/12133"
    assert reading.uptime_seconds == 17
    assert reading.cpu_ratio == 0.37
    (demo,) = reading.streams
    assert (demo.app, demo.name) == ("live", "demo")
    assert demo.publisher is not None
    assert (demo.publisher.id, demo.publisher.protocol) == ("s827mac3", "rtmp")
    assert demo.clients == {"publisher": 1, "subscriber": 3, "relay": 0}
    assert (demo.receive_bytes, demo.transmit_bytes, demo.frames) == (4563753, 4052136, 1200)
    assert demo.receive_rates == {"total": 115250.0}
    assert demo.video == Video("H264", "Baseline", 640, 360)
    assert demo.audio == Audio("AAC", 44100, 2)


def test_the_start_comes_from_the_publisher_because_live_ms_is_the_servers_clock() -> None:
    (reading,) = SrsSource("http://srs:1985", Recorded(ANSWERS)).read()
    assert reading.streams[0].publisher is not None
    assert reading.streams[0].publisher.connected_seconds == 40.29


def test_lists_are_asked_with_a_count_and_a_slash_until_a_page_is_short() -> None:
    fetch = Recorded(
        {
            **ANSWERS,
            "/api/v1/streams/?start=0&count=1000": rows("streams", range(0, 1000)),
            "/api/v1/streams/?start=1000&count=1000": rows("streams", range(998, 1500)),
        }
    )
    (reading,) = SrsSource("http://srs:1985/", fetch).read()
    assert len(reading.streams) == 1500  # rows that slipped from one page to the next are one
    assert all(path.split("?")[0].endswith("/") for path in fetch.asked)


def test_a_restart_between_two_requests_is_an_error_and_not_a_mixture() -> None:
    fetch = Recorded({**ANSWERS, "/api/v1/clients/?start=0&count=1000": rows("clients", range(1), pid="2")})
    with pytest.raises(SourceFormatError, match="restarted"):
        SrsSource("http://srs:1985", fetch).read()


def test_a_stream_without_publisher_is_idle() -> None:
    streams = fixture("srs-streams.json").replace(b'"active":true', b'"active":false')
    (reading,) = SrsSource("http://srs", Recorded({**ANSWERS, "/api/v1/streams/?start=0&count=1000": streams})).read()
    assert reading.streams[0].publisher is None


def test_null_codecs_are_unknown() -> None:
    answer = orjson.loads(fixture("srs-streams.json"))
    answer["streams"][0] |= {"video": None, "audio": None}
    fetch = Recorded({**ANSWERS, "/api/v1/streams/?start=0&count=1000": orjson.dumps(answer)})
    (reading,) = SrsSource("http://srs", fetch).read()
    assert (reading.streams[0].video, reading.streams[0].audio) == (Video(), Audio())


def test_only_named_vhosts_show_in_the_application() -> None:
    assert app_label("__defaultVhost__", "live") == "live"
    assert app_label("a.example", "live") == "a.example/live"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":100}', b'{"server":"x"}'])
def test_anything_else_is_a_format_error(body: bytes) -> None:
    with pytest.raises(SourceFormatError):
        parse_envelope(body)


def test_a_failing_request_is_passed_on() -> None:
    fetch = Recorded({**ANSWERS, "/api/v1/vhosts/": SourceUnreachableError("no answer", "timeout")})
    with pytest.raises(SourceUnreachableError):
        SrsSource("http://srs", fetch).read()
