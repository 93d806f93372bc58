"""Log lines arrive over syslog, by UDP and TCP, in every framing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.cdn.sources.syslog import SyslogIntake, SyslogTcp, SyslogUdp, message
from exporters.errors import ConfigError
from tests.cdn.scene import Scene, nginx_line
from tests.servers import wait_until

LINE = nginx_line().rstrip(b"\n")
RFC3164 = b"<190>Nov 23 09:15:19 edge-1 nginx: " + LINE
RFC3164_NO_HOST = b"<190>Nov 23 09:15:19 nginx: " + LINE
RFC5424 = b"<190>1 2026-11-23T09:15:19Z edge-1 nginx 77 - - " + LINE
STRUCTURED = b'<190>1 2026-11-23T09:15:19Z edge-1 nginx 77 ID [x@1 a="\\]"][y b="c"] ' + LINE


@pytest.mark.parametrize("packet", [RFC3164, RFC3164_NO_HOST, RFC5424, STRUCTURED, LINE, RFC3164 + b"\n"])
def test_the_line_is_what_follows_the_header(packet: bytes) -> None:
    assert message(packet) == LINE


class Receiver:
    def __init__(self, folder: Path) -> None:
        self.scene = Scene(folder)
        tally, counter = self.scene.source("nginx")
        self.scene.ledger.restore()
        self.intake = SyslogIntake(tally, counter, self.scene.ledger)

    def count(self, result: str = "ok") -> float | None:
        self.scene.ledger.commit()
        return self.scene.tables.records.public.get("nginx", "edge", result)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path)
    yield made
    made.scene.close()


def test_datagrams_are_counted(receiver: Receiver) -> None:
    udp = SyslogUdp(("127.0.0.1", 0), receiver.intake)
    udp.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in (RFC3164, RFC5424, b"<13>noise", b"", b"\xff" * 1000, RFC3164.replace(b"curl", b"cu\nrl")):
            sender.sendto(packet, ("127.0.0.1", udp.port))
    wait_until(lambda: receiver.count() == 3 and receiver.count("parse_error") == 2, "five messages", 10)
    udp.stop()


def test_connections_are_counted_in_each_framing(receiver: Receiver) -> None:
    tcp = SyslogTcp(("127.0.0.1", 0), receiver.intake)
    tcp.start()
    counted = b"%d %s" % (len(RFC5424), RFC5424)
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall(RFC3164 + b"\n" + counted * 2 + RFC3164 + b"\n" + b"x" * 200_000 + b"\n" + RFC3164 + b"\n")
        sender.sendall(RFC3164[:50])
    wait_until(lambda: receiver.count() == 5 and receiver.count("oversized") == 1, "five messages", 10)
    tcp.stop()


def test_a_stopped_listener_ends_the_connections_of_senders(receiver: Receiver) -> None:
    tcp = SyslogTcp(("127.0.0.1", 0), receiver.intake)
    tcp.start()
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall(RFC3164 + b"\n")
        wait_until(lambda: receiver.count() == 1, "a message", 10)
        tcp.stop()
        assert sender.recv(1) == b""


def test_a_taken_port_is_named(receiver: Receiver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, socket.create_server(("127.0.0.1", 0)) as server:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConfigError, match="CDN_SYSLOG_UDP: cannot listen on"):
            SyslogUdp(taken.getsockname(), receiver.intake).start()
        with pytest.raises(ConfigError, match="CDN_SYSLOG_TCP: cannot listen on"):
            SyslogTcp(server.getsockname(), receiver.intake).start()
