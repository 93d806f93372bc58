"""nginx-rtmp statistics pages, recorded from the three modules, read into one model."""

from __future__ import annotations

import pytest

from exporters.errors import SourceFormatError
from exporters.rtmp.model import Audio, ServerReading, StreamReading, Video
from exporters.rtmp.nginx_rtmp import parse_stat
from tests.rtmp.fixtures import fixture

PAGES = ("arut.xml", "dryabzhinsky.xml", "http-flv.xml", "http-flv-json.json")
EMPTY_PAGES = ("arut-empty.xml", "dryabzhinsky-empty.xml", "http-flv-empty.xml", "http-flv-json-empty.json")


def only(reading: ServerReading, name: str, place: str = "0") -> StreamReading:
    (found,) = (one for one in reading.streams if one.name == name and one.place == place)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_module_gives_the_same_model(page: str) -> None:
    reading = parse_stat(fixture(page))
    assert reading.apps == ("live", "idle")
    assert sorted((one.app, one.name, one.place) for one in reading.streams) == [
        ("live", "caf%C3%A9&<b>", "0"),
        ("live", "demo", "0"),
        ("live", "demo", "1"),
    ]
    demo = only(reading, "demo")
    assert demo.clients == {"publisher": 1, "subscriber": 1, "relay": 0}
    assert demo.video == Video("H264", "Baseline", 320, 180, 10.0, None)
    assert demo.audio == Audio("AAC", 44100, 2)
    assert demo.publisher is not None
    assert (demo.publisher.id, demo.publisher.encoder, demo.publisher.relay) == ("3", "ffmpeg", False)
    assert demo.dropped == {"6": ("subscriber", 0), "3": ("publisher", 0)}
    assert demo.receive_bytes is not None and demo.receive_bytes > 200_000
    assert only(reading, "demo", "1").clients == {"publisher": 1, "subscriber": 0, "relay": 0}


@pytest.mark.parametrize("page", EMPTY_PAGES)
def test_a_server_without_streams_is_no_error(page: str) -> None:
    reading = parse_stat(fixture(page))
    assert reading.streams == ()
    assert reading.apps == ("live", "idle")
    assert reading.accepted == 0


def test_versions_name_the_module() -> None:
    assert [parse_stat(fixture(page)).version for page in PAGES] == [
        "nginx 1.22.1 rtmp 1.1.4",
        "nginx 1.22.1 rtmp 1.2.2-dev",
        "nginx 1.22.1 http-flv 1.2.14",
        "nginx 1.22.1 http-flv 1.2.14",
    ]


def test_bits_become_bytes_and_milliseconds_seconds() -> None:
    show = only(parse_stat(fixture("arut-renditions.xml")), "show_hi")
    assert show.receive_rates == {"total": 287288.0, "audio": 13355.0, "video": 273933.0}
    assert show.age_seconds == 95.384
    assert show.publisher is not None
    assert show.publisher.connected_seconds == 95.559
    assert show.publisher.media_seconds == 95.383
    assert show.publisher.avsync_seconds == -0.019
    assert show.receive_bytes == 25_222_899


def test_the_fork_tells_data_rates_and_keyframe_intervals() -> None:
    body = fixture("dryabzhinsky.xml")
    assert set(only(parse_stat(body), "demo").receive_rates) == {"total", "audio", "video", "data"}
    body = body.replace(b"<data_rate>0</data_rate>", b"<keyframe_frequency>2</keyframe_frequency>")
    assert only(parse_stat(body), "demo").video.keyframe_seconds == 2.0


def test_an_empty_avsync_is_unknown() -> None:
    """nginx writes the element empty with ``interleave on``."""
    body = fixture("arut-renditions.xml").replace(b"<avsync>-19</avsync>", b"<avsync></avsync>")
    publisher = only(parse_stat(body), "show_hi").publisher
    assert publisher is not None
    assert publisher.avsync_seconds is None


def test_a_page_without_clients_still_tells_who_publishes() -> None:
    body = (
        b"<rtmp><pid>7</pid><server><application><name>live</name><live><stream><name>a</name>"
        b"<bytes_in>10</bytes_in><nclients>4</nclients><publishing/></stream></live></application></server></rtmp>"
    )
    (stream,) = parse_stat(body).streams
    assert stream.publisher is not None and stream.publisher.id == ""
    assert stream.clients == {"publisher": 1, "subscriber": 3, "relay": 0}


def test_a_stream_with_players_alone_has_no_publisher() -> None:
    body = (
        b"<rtmp><pid>7</pid><server><application><name>live</name><live><stream><name>a</name>"
        b"<client><id>1</id></client><nclients>1</nclients></stream></live></application></server></rtmp>"
    )
    (stream,) = parse_stat(body).streams
    assert stream.publisher is None
    assert stream.clients == {"publisher": 0, "subscriber": 1, "relay": 0}


def test_relays_of_sibling_workers_are_no_viewers() -> None:
    body = fixture("arut.xml").replace(b"<flashver>LNX 9,0,124,2</flashver>", b"<flashver>ngx-local-relay</flashver>")
    assert only(parse_stat(body), "demo").clients == {"publisher": 1, "subscriber": 0, "relay": 1}


def test_a_name_that_xml_forbids_hides_no_other_stream() -> None:
    body = fixture("arut.xml").replace(b"caf%C3%A9", b"\x01\xff\x0b")
    names = {one.name for one in parse_stat(body).streams}
    assert names == {"demo", "?\ufffd?&<b>"}


def test_a_name_that_json_forbids_hides_no_other_stream() -> None:
    body = fixture("http-flv-json.json").replace(b"caf%C3%A9", b"\x01\xff")
    assert {one.name for one in parse_stat(body).streams} == {"demo", "?\ufffd&<b>"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>404</body></html>",
        b"<rtmp><server></rtmp>",
        b"<rtmp></rtmp>",
        b"{}",
        b"[1]",
        b'{"http-flv": 3}',
        b'<?xml version="1.0" encoding="tf-8" ?><rtmp><pid>1</pid></rtmp>',
        b'<!DOCTYPE x [<!ENTITY e "e">]><rtmp><pid>1</pid></rtmp>',
        b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rtmp><pid>&b;</pid></rtmp>',
    ],
)
def test_anything_else_is_a_format_error(body: bytes) -> None:
    with pytest.raises(SourceFormatError):
        parse_stat(body)
