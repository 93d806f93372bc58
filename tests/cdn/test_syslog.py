"""Log lines arrive over syslog, by UDP and TCP, in every framing."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.cdn import ledger
from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources import syslog
from exporters.cdn.sources.syslog import SyslogIntake, SyslogTcp, SyslogUdp, frames, message
from exporters.errors import ConfigError
from tests.cdn.scene import Scene, nginx_line
from tests.servers import wait_until

LINE = nginx_line().rstrip(b"\n")
RFC3164 = b"<190>Nov 23 09:15:19 edge-1 nginx: " + LINE
RFC3164_NO_HOST = b"<190>Nov 23 09:15:19 nginx: " + LINE
RFC5424 = b"<190>1 2026-11-23T09:15:19Z edge-1 nginx 77 - - " + LINE
STRUCTURED = b'<190>1 2026-11-23T09:15:19Z edge-1 nginx 77 ID [x@1 a="\\]"][y b="c"] ' + LINE
RFC3164_IPV6 = [
    RFC3164.replace(b"edge-1", host, 1)
    for host in (b"2001:db8::1", b"::1", b"::", b"fe80::1%eth0", b"::ffff:192.0.2.1", b"2001:db8:1:2:3:4:5:6", b"[::1]")
]
RFC3164_ODD = [RFC3164_NO_HOST.replace(b"nginx: ", tag) for tag in (b"nginx:", b"nginx[7]: ", b"dead: ", b"a.b/c: ")]
OVERSIZED = b"<190>Nov 23 09:15:19 edge-1 nginx: " + b"x" * 70_000


def counted(packet: bytes) -> bytes:
    """The message as it is framed by counted octets."""
    return b"%d %s" % (len(packet), packet)


@pytest.mark.parametrize(
    "packet",
    [RFC3164, RFC3164_NO_HOST, RFC5424, STRUCTURED, LINE, RFC3164 + b"\n", *RFC3164_IPV6, *RFC3164_ODD],
)
def test_the_line_is_what_follows_the_header(packet: bytes) -> None:
    assert message(packet) == LINE


class Receiver:
    def __init__(self, folder: Path) -> None:
        self.scene = Scene(folder)
        self.tally, counter = self.scene.source("nginx")
        self.scene.ledger.restore()
        self.now = 0.0
        self.intake = SyslogIntake(self.tally, counter, self.scene.ledger, lambda: self.now)

    def full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let two records wait that cannot be stored, and no more have room."""
        monkeypatch.setattr(ledger, "MAX_HANDED", 2)
        base = self.scene.ledger.checkpoint._base
        base.execute("CREATE TRIGGER full BEFORE INSERT ON series BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        self.intake.take([RFC3164, RFC5424])

    def mend(self) -> None:
        self.scene.ledger.checkpoint._base.execute("DROP TRIGGER full")

    def counted(self) -> tuple[int, float]:
        """What waits for the session engine, and what was left out, stored or not."""
        left_out = self.scene.tables.records.cell("nginx", "edge", "oversized").value
        return len(self.tally.handed), left_out

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
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall(
            RFC3164 + b"\n" + counted(RFC5424) * 2 + RFC3164 + b"\n" + b"x" * 200_000 + b"\n" + RFC3164 + b"\n"
        )
        sender.sendall(RFC3164[:50])
    wait_until(lambda: receiver.count() == 5 and receiver.count("oversized") == 1, "five messages", 10)
    tcp.stop()


@pytest.mark.parametrize(
    ("stream", "ok", "oversized"),
    [
        (counted(RFC5424) + counted(OVERSIZED) + counted(RFC5424) * 20, 21, 1),
        (counted(RFC5424) + counted(OVERSIZED * 100) + counted(RFC5424) * 20, 21, 1),
        (counted(OVERSIZED)[:-1], 0, 1),
        (RFC3164 + b"\n" + OVERSIZED + b"\n" + counted(RFC5424) + OVERSIZED * 3 + b"\n" + RFC3164 + b"\n", 3, 2),
        (OVERSIZED, 0, 1),
        (RFC3164 + b"\n" + RFC3164, 2, 0),
        (b"x" * MAX_LINE_BYTES + b"\n" + RFC3164, 1, 0),
        (b"x" * (MAX_LINE_BYTES + 1) + b"\n" + RFC3164, 1, 1),
    ],
    ids=["octets", "large", "torn", "mixed", "only", "unended", "longest", "too-long"],
)
def test_a_message_too_long_is_left_out_alone_and_the_last_needs_no_newline(
    stream: bytes, ok: int, oversized: int, receiver: Receiver
) -> None:
    receiver.intake.take(frames(io.BytesIO(stream), receiver.intake))
    assert (receiver.count() or 0, receiver.count("oversized") or 0) == (ok, oversized)


def test_while_nothing_can_be_stored_the_store_is_tried_now_and_then(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.full(monkeypatch)
    assert not receiver.intake.take([RFC3164])
    receiver.mend()
    assert not receiver.intake.take([RFC3164])
    receiver.now += syslog.STORE_AGAIN_SECONDS
    assert receiver.intake.take([RFC3164])
    assert receiver.count() == 3


def test_while_nothing_can_be_stored_datagrams_are_left_out_and_counted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.full(monkeypatch)
    udp = SyslogUdp(("127.0.0.1", 0), receiver.intake)
    udp.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(20):
            sender.sendto(RFC3164, ("127.0.0.1", udp.port))
        wait_until(lambda: receiver.counted() == (2, 20), "twenty messages", 10)
        receiver.mend()
        receiver.now += syslog.STORE_AGAIN_SECONDS
        sender.sendto(RFC3164, ("127.0.0.1", udp.port))
        wait_until(lambda: receiver.count() == 3, "a message", 10)
    udp.stop()
    assert receiver.count("oversized") == 20


def test_while_nothing_can_be_stored_connections_wait(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "STORE_AGAIN_SECONDS", 0.01)
    receiver.full(monkeypatch)
    asked: list[bool] = []
    take = receiver.intake.take
    monkeypatch.setattr(receiver.intake, "take", lambda packets: asked.append(take(packets)) or asked[-1])
    tcp = SyslogTcp(("127.0.0.1", 0), receiver.intake)
    tcp.start()
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall((RFC3164 + b"\n") * 20)
        wait_until(lambda: len(asked) > 3, "some tries", 10)
        assert receiver.counted() == (2, 0)
        receiver.mend()
        receiver.now += 1
        wait_until(lambda: receiver.count() == 22, "all messages", 10)
    tcp.stop()


def test_a_stopped_listener_ends_a_connection_that_waits(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver.full(monkeypatch)
    tcp = SyslogTcp(("127.0.0.1", 0), receiver.intake)
    tcp.start()
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall(RFC3164 + b"\n")
        wait_until(lambda: receiver.intake._store_again > 0, "a try", 10)
        tcp.stop()
        assert sender.recv(1) == b""
    assert receiver.counted() == (2, 0)


def test_an_idle_connection_gives_its_place_to_others(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "MAX_CONNECTIONS", 1)
    assert syslog._TcpHandler.timeout == syslog.IDLE_SECONDS
    monkeypatch.setattr(syslog._TcpHandler, "timeout", 0.2)
    tcp = SyslogTcp(("127.0.0.1", 0), receiver.intake)
    tcp.start()
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as idle:
        assert idle.recv(1) == b""
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=10) as sender:
        sender.sendall(RFC3164 + b"\n")
        wait_until(lambda: receiver.count() == 1, "a message", 10)
    tcp.stop()


def test_connections_are_taken_over_ipv6_and_their_peers_are_probed(receiver: Receiver) -> None:
    tcp = SyslogTcp(("::1", 0), receiver.intake)
    tcp.start()
    with socket.create_connection(("::1", tcp.port), timeout=10) as sender:
        sender.sendall(RFC3164 + b"\n")
        wait_until(lambda: receiver.count() == 1, "a message", 10)
        (served,) = tcp._server._connections
        assert served.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
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
