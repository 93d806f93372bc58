"""nginx-rtmp's state page, as recorded from a launched media server."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.containers.errors import ContainerError
from bridge.containers.media_stat import MediaStat, parse_media_stat, read_media_stat
from tests.servers import free_port

RECORDED = Path(__file__).parents[2] / "fixtures/containers/stat.xml"


def test_traffic_and_clients_leave_the_servers_own_relay_out() -> None:
    found = parse_media_stat(RECORDED.read_bytes())
    assert found == MediaStat(received_bytes=215094 - 92084, sent_bytes=95853 - 92084, connections=1)


def test_an_idle_server_has_no_clients() -> None:
    xml = b"<rtmp><bytes_in>5</bytes_in><server><application><name>live</name></application></server></rtmp>"
    assert parse_media_stat(xml) == MediaStat(5, 0, 0)


@pytest.mark.parametrize("body", [b"", b"<rtmp>", b"<rtmp><bytes_in>x</bytes_in></rtmp>", b"nonsense"])
def test_what_is_no_state_page_is_refused(body: bytes) -> None:
    with pytest.raises(ContainerError, match="not an nginx-rtmp state page"):
        parse_media_stat(body)


def test_entities_are_not_followed() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><rtmp><bytes_in>&b;</bytes_in></rtmp>'
    with pytest.raises(ContainerError):
        parse_media_stat(bomb)


@given(st.binary(max_size=200), st.integers(0, 3000))
def test_no_page_breaks_the_reading(junk: bytes, position: int) -> None:
    page = RECORDED.read_bytes()
    with contextlib.suppress(ContainerError):
        parse_media_stat(page[:position] + junk + page[position + len(junk) :])


def test_a_server_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(ContainerError, match="127"):
        read_media_stat(f"http://127.0.0.1:{free_port()}/stat")
