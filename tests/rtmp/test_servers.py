"""The families of media servers themselves."""

from __future__ import annotations

from exporters.errors import SourceError
from exporters.exposition import render
from exporters.rtmp.model import ServerReading
from exporters.rtmp.servers import ServerRecord, ServerTables
from exporters.rtmp.targets import parse_target
from tests.rtmp.fixtures import EPOCH_WALL, HandClock, server, stream

TARGET = parse_target("T", "a=nginx-rtmp*2+http://h/stat")


def worker(epoch: str, accepted: int, uptime: float = 10.0) -> ServerReading:
    return server(
        stream(name=f"s{epoch}"),
        epoch=epoch,
        accepted=accepted,
        uptime_seconds=uptime,
        receive_bytes=1000,
        transmit_bytes=50,
    )


def test_an_unpolled_server_is_not_up() -> None:
    tables = ServerTables()
    ServerRecord(TARGET, tables)
    assert tables.up.get("a", "nginx-rtmp") == 0
    assert tables.errors.get("a", "connect") == 0


def test_workers_are_added_up() -> None:
    tables = ServerTables()
    record = ServerRecord(TARGET, tables)
    record.answered((worker("1", 5), worker("2", 7, uptime=3.0)), HandClock.at(100), 0.012, 0.5)
    assert tables.up.get("a", "nginx-rtmp") == 1
    assert (tables.workers.get("a", "seen"), tables.workers.get("a", "expected")) == (2, 2)
    assert tables.accepted.get("a") == 12
    assert (tables.received.get("a"), tables.transmitted.get("a")) == (2000, 100)
    assert tables.start.get("a") == EPOCH_WALL + 90
    assert tables.duration.get("a") == 0.012
    assert tables.last.get("a") == EPOCH_WALL + 100
    assert tables.streams.get("a", "live", "publishing") == 2
    assert tables.streams.get("a", "live", "idle") == 0
    assert tables.info.get("a", "nginx-rtmp", "nginx 1") == 1


def test_totals_grow_through_a_restart() -> None:
    tables = ServerTables()
    record = ServerRecord(TARGET, tables)
    for reading in (worker("1", 5), worker("1", 9), worker("3", 2)):
        record.answered((reading,), HandClock.at(1), 0.01, None)
    assert tables.accepted.get("a") == 11


def test_the_start_does_not_tremble_with_whole_seconds_of_uptime() -> None:
    tables = ServerTables()
    record = ServerRecord(TARGET, tables)
    record.answered((worker("1", 1, uptime=10.0),), HandClock.at(100.0), 0.01, None)
    record.answered((worker("1", 1, uptime=10.0),), HandClock.at(100.9), 0.01, None)
    assert tables.start.get("a") == EPOCH_WALL + 90


def test_a_failed_poll_withholds_what_only_the_server_could_tell() -> None:
    tables = ServerTables()
    record = ServerRecord(TARGET, tables)
    record.answered((worker("1", 5),), HandClock.at(1), 0.01, 0.5)
    record.failed(SourceError("no", "parse"), 0.02)
    shown = render(tables.collect(), openmetrics=False)
    assert 'livestream_rtmp_up{target="a",backend="nginx-rtmp"} 0' in shown
    assert 'livestream_rtmp_scrape_errors_total{target="a",reason="parse"} 1' in shown
    assert 'livestream_rtmp_server_workers{target="a",state="seen"} 0' in shown
    for family in ("rtmp_server_info", "rtmp_server_start", "rtmp_streams", "rtmp_host_cpu"):
        assert f"livestream_{family}" not in shown
    assert 'livestream_rtmp_server_connections_accepted_total{target="a"} 5' in shown
