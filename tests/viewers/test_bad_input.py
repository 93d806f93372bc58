"""Input that nobody should send: it costs neither the start after it, nor what came with it, nor anyone else."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from exporters.handoff import Batch, DeliveryRecord
from exporters.viewers.addresses import TrustedProxies
from exporters.viewers.geo import Geography, Place
from exporters.viewers.inputs import AppEvent, Input
from exporters.viewers.intake import Client, Intake
from exporters.viewers.mishaps import LOG_SECONDS, Mishaps
from exporters.viewers.public import PublicApp
from exporters.viewers.public_server import PublicServer
from tests.viewers.making import START, Clock, Kept, report
from tests.viewers.test_recordings import intake_of

SOMEBODY = Client("203.0.113.7", "curl/8", "DE", trusted=True)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path, Clock())
    yield one
    one.kill()


@pytest.fixture
def intake(kept: Kept) -> Intake:
    return intake_of(kept)


def sessions(kept: Kept) -> set[str]:
    return {one.session_id for one in kept.shard.engine.sessions.values()}


def numbers(kept: Kept) -> dict[str, Any]:
    return kept.shard.tables.state()


def rejected(kept: Kept, reason: str) -> float:
    return kept.shard.tables.rejected.get(reason) or 0.0


def delivery(cmcd: str, stream: str = "demo", received: float = START) -> DeliveryRecord:
    return DeliveryRecord(received, "nginx", stream, "segment", "", 200, 1000, 0.1, "203.0.113.5", "ua", "DE", "", cmcd)


def event(**values: Any) -> bytes:
    return orjson.dumps({"streamId": "demo", "eventType": "like", "eventData": {}, **values})


def beacon(**values: Any) -> bytes:
    return orjson.dumps({"stream": "demo", "session": "a", "state": "playing", **values})


BROKEN = AppEvent("1", "demo", "like", START, START, "", "", 0.0, "", "no JSON")
"""Its row for history cannot be made."""


def test_an_input_that_fails_is_counted_and_costs_no_other_and_no_start(kept: Kept) -> None:
    assert kept.shard.take([report("a"), BROKEN, report("b")]) == ["ok", "error", "ok"]
    batch: list[Input] = [report("c"), BROKEN._replace(event_id="2"), report("d")]
    kept.shard.take_batch(batch, "edge", 1)
    before = numbers(kept)
    assert rejected(kept, "error") == 2
    kept.kill()
    kept.start()
    assert sessions(kept) == {"a", "b", "c", "d"}
    assert numbers(kept) == before


def test_a_report_of_another_kind_of_number_fails_alone(kept: Kept) -> None:
    odd = report("odd", sequence=None)
    assert kept.shard.take([odd, report("a")]) == ["error", "ok"]
    before = numbers(kept)
    kept.kill()
    kept.start()
    assert numbers(kept) == before


def test_failures_are_logged_once_a_minute_and_without_what_they_were_about(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(0.0)
    mishaps = Mishaps("an input could not be applied", clock)

    def fail() -> None:
        try:
            raise KeyError("secret session")
        except KeyError as error:
            mishaps.note(error)

    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            fail()
        clock.now = LOG_SECONDS
        fail()
    first, second = caplog.messages
    assert first.startswith("an input could not be applied: KeyError at ") and first.endswith("(and 0 before)")
    assert second.endswith("(and 4 before)")
    assert "secret" not in caplog.text


@pytest.mark.parametrize("ts", ["inf", "nan", "1e300", "-5", "1e15"])
def test_a_time_that_is_none_does_not_date_the_others_of_its_batch(kept: Kept, intake: Intake, ts: str) -> None:
    now = int(START * 1000)
    lines = f'v=2,e=ps,sta=p,sid="a",ts={now}\nv=2,e=ps,sta=p,sid="b",ts={ts}'
    assert intake.cmcd_lines(lines.encode(), SOMEBODY, "demo").taken == 2
    assert {one.joined for one in kept.shard.engine.sessions.values()} == {START}
    before = numbers(kept)
    kept.kill()
    kept.start()
    assert numbers(kept) == before


BAD_NUMBERS = (
    "sn=inf",
    "sn=nan",
    "sn=1e20",
    "sn=-1e30",
    "dfa=inf",
    "dfa=1e300",
    "rc=inf",
    "rc=1e30",
    "e=rr,v=2,rc=inf",
)


@pytest.mark.parametrize("pair", BAD_NUMBERS)
def test_a_whole_number_that_is_none_counts_as_missing(kept: Kept, intake: Intake, pair: str) -> None:
    assert intake.cmcd_lines(f'sid="a",{pair}\nsid="b",sn=1'.encode(), SOMEBODY, "demo").taken == 2
    records = [delivery(f'sid="c",{pair}'), delivery('sid="d",sn=1')]
    assert intake.handoff(Batch("edge", 1, records)) == 2
    assert sessions(kept) == {"a", "b", "c", "d"}


def test_a_whole_number_is_taken_as_far_as_the_journal_can_hold_it(kept: Kept, intake: Intake) -> None:
    assert intake.cmcd_lines(b'v=2,e=ps,sta=p,sid="a",sn=9223372036854774784', SOMEBODY, "demo").taken == 1
    kept.kill()
    kept.start()
    (session,) = kept.shard.engine.sessions.values()
    assert session.highest == 9223372036854774784


class Lost(Geography):
    """Fails at one country."""

    def place(self, address: str, told_country: str) -> Place:
        if told_country == "XX":
            raise ZeroDivisionError
        return super().place(address, told_country)


def test_a_record_that_cannot_be_read_costs_no_other(kept: Kept) -> None:
    """Whatever goes wrong with one: else the CDN exporter would send the same batch for ever."""
    intake, lost = intake_of(kept, Lost("VIEWERS_GEO_DATABASE", "")), replace(SOMEBODY, country="XX")
    batch = Batch("edge", 1, [delivery('sid="bad"')._replace(country="XX"), delivery('sid="a"')])
    assert intake.handoff(batch) == 1
    outcome = intake.cmcd_lines(b'sid="bad"\nsid="a"', lost, "demo")
    assert (outcome.status, outcome.taken, outcome.problem) == (204, 1, "cannot be read")
    assert intake.cmcd_lines(b'sid="bad"', lost, "demo").status == 400
    assert sessions(kept) == {"a"}
    assert rejected(kept, "parse") == 3


def test_a_beacon_with_a_bad_time_costs_no_other(kept: Kept, intake: Intake) -> None:
    body = b"[" + beacon(session="bad", time="noon") + b"," + beacon() + b"]"
    assert intake.beacons(body, SOMEBODY).taken == 1
    assert sessions(kept) == {"a"}


@pytest.mark.parametrize("opening, closing", [('{"a":', "}"), ('{"a":[', "]}")])
def test_event_data_is_nested_32_deep_at_most(kept: Kept, intake: Intake, opening: str, closing: str) -> None:
    def send(levels: int) -> int:
        times = levels // (opening.count("{") + opening.count("["))
        data = opening * times + "1" + closing * times
        return intake.app_events(
            f'{{"streamId":"demo","eventType":"like","eventId":"{levels}","eventData":{data}}}'.encode(), SOMEBODY
        ).status

    assert [send(levels) for levels in (2, 32, 34, 254, 600)] == [204, 204, 400, 400, 400]
    assert len(kept.rows("event")) == 2


def test_event_data_is_bounded_in_bytes(intake: Intake) -> None:
    assert intake.app_events(event(eventData={"text": "x" * 2000}), SOMEBODY).status == 204
    assert intake.app_events(event(eventData={"text": "€" * 700}), SOMEBODY).status == 400


def test_cmcd_lists_within_lists_are_refused(intake: Intake) -> None:
    deep = b'{"sid":"a","br":' + b"[" * 900 + b"]" * 900 + b"}"
    assert intake.cmcd_json(deep, SOMEBODY, "demo").status == 400


@pytest.mark.parametrize("variants", [("²", "³"), ("9" * 32, "8" * 32), ("٣", "x")])
def test_any_text_may_name_a_variant(kept: Kept, intake: Intake, variants: tuple[str, str]) -> None:
    for number in range(8):
        kept.clock.now = START + 5 * number
        body = beacon(seq=number, time=int(kept.clock.now * 1000), variant=variants[number % 2])
        assert intake.beacons(body, SOMEBODY).taken == 1
    kept.tick(START + 600)
    (row,) = kept.rows("session")
    assert row["watch_seconds"] == 35.0
    assert rejected(kept, "error") == 0


CONTROLLED = ("\0", "a\0", "a\n", "\x7f", "a\x85")


@pytest.mark.parametrize("text", CONTROLLED)
def test_ids_with_control_characters_are_refused(kept: Kept, intake: Intake, text: str) -> None:
    outcomes = [
        *(intake.beacons(beacon(**{name: text}), SOMEBODY) for name in ("session", "user", "variant")),
        *(
            intake.app_events(event(**{name: text}), SOMEBODY)
            for name in ("eventId", "id", "userId", "sessionId", "eventType")
        ),
        intake.cmcd_json(orjson.dumps({"sid": text}), SOMEBODY, "demo"),
    ]
    assert {outcome.status for outcome in outcomes} == {400}
    assert intake.handoff(Batch("edge", 1, [delivery(f'sid="{text}"')])) == 0
    assert sessions(kept) == set()


def test_ids_may_begin_with_an_at_sign_and_have_blanks(kept: Kept, intake: Intake) -> None:
    assert intake.beacons(beacon(session="@a b", user="@ann"), SOMEBODY).status == 204
    assert intake.app_events(event(eventId="@1", userId="@ann", sessionId="@a b"), SOMEBODY).status == 204
    assert sessions(kept) == {"@a b"}


@pytest.mark.parametrize("stream", ["@demo", "a b", "a\0", "a\n", "\x85", "a\u00a0b", "", "x" * 129])
def test_a_stream_that_history_cannot_name_is_unknown_although_all_are_taken(
    kept: Kept, intake: Intake, stream: str
) -> None:
    assert intake.beacons(beacon(stream=stream), SOMEBODY).status == 404
    assert intake.app_events(event(streamId=stream), SOMEBODY).status in (400, 404)
    assert intake.handoff(Batch("edge", 1, [delivery('sid="a"', stream), delivery('sid="b"')])) == 1
    assert rejected(kept, "unknown_stream") + rejected(kept, "parse") == 3
    assert sessions(kept) == {"b"}


@pytest.mark.parametrize("stream", ["demo", "live/demo_720p", "urn:x:1", "größe", "a@b", "x" * 128])
def test_a_stream_of_any_other_name_is_taken(intake: Intake, stream: str) -> None:
    assert intake.beacons(beacon(stream=stream), SOMEBODY).status == 204


def test_event_ids_are_the_senders_own_within_stream_and_kind(kept: Kept, intake: Intake) -> None:
    def send(**values: Any) -> None:
        kept.clock.now += 1
        assert intake.app_events(event(eventId="1", **values), SOMEBODY).status == 204

    for _ in range(2):
        send()
        send(eventType="tip", eventData={"amount": 5, "currency": "USD"})
        send(streamId="other")
        kept.store.checkpoint()
        kept.kill()
        kept.start()
        intake = intake_of(kept)
    broadcasts = kept.shard.engine.broadcasts
    assert broadcasts["demo"].engagements == {"like": 1, "tip": 1}
    assert broadcasts["other"].engagements == {"like": 1}


def test_an_overtaken_report_with_an_absurd_time_changes_neither_the_beginning_nor_watch_time(kept: Kept) -> None:
    results = kept.shard.take(
        [
            report("a", START, sequence=5, event="t"),
            report("a", START, time=0.001, sequence=3, event="t"),
            report("a", START, time=START - 60, sequence=4, event="t"),
            report("a", START + 5, sequence=6, event="t"),
        ]
    )
    assert results == ["ok", "skewed", "ok", "ok"]  # a minute is as long as reports may be apart
    kept.tick(START + 600)
    (row,) = kept.rows("session")
    assert (row["joined"], row["watch_seconds"]) == (START - 60, 65.0)


@pytest.mark.parametrize("version", ["", "v=1,"])
@pytest.mark.parametrize("ts", [1000.0, (START - 3 * 365 * 86400) * 1000])
def test_version_1_has_no_time_of_its_own(kept: Kept, intake: Intake, version: str, ts: float) -> None:
    for number in range(4):
        kept.clock.now = START + 4 * number
        line = f'{version}sid="a",bl=4000,d=4000,ot=v,ts={ts + number * 4000:.0f}'
        assert intake.cmcd_lines(line.encode(), SOMEBODY, "demo").taken == 1
    kept.tick(START + 600)
    (row,) = kept.rows("session")
    assert (row["joined"], row["watch_seconds"]) == (START, 12.0)


class FailingIntake:
    def beacons(self, body: bytes, client: Client) -> None:
        raise KeyError("secret session")


def test_neither_a_client_that_leaves_nor_a_failure_is_logged_with_its_address(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    rejections: list[str] = []

    def answer(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            return client.recv(99)[:12]

    app = PublicApp(FailingIntake(), TrustedProxies("V", ("127.0.0.0/8",)), rejections.append)  # type: ignore[arg-type]
    server = PublicServer(app, ("127.0.0.1", 0), "VIEWERS_PUBLIC_LISTEN")
    server.start()
    try:
        head = b"POST /v1/beacon HTTP/1.1\r\nHost: secret\r\nContent-Length: "
        assert answer(head + b"50\r\n\r\n{") == b"HTTP/1.1 400"  # leaves in the middle of its body
        assert rejections == ["parse"]
        assert answer(head + "²\r\n\r\n".encode("latin-1")) in (b"HTTP/1.1 400", b"HTTP/1.1 411")
        assert answer(b"secret nonsense\r\n\r\n") == b"HTTP/1.1 400"
        assert caplog.text == ""
        assert answer(head + b"2\r\n\r\n{}") == b"HTTP/1.1 500"
    finally:
        server.stop()
    assert [message.rpartition(" at ")[0] for message in caplog.messages] == [
        "a request could not be answered: KeyError"
    ]
    written = caplog.text + "".join(capfd.readouterr())
    for secret in ("127.0.0.1", "secret", "REMOTE_ADDR"):
        assert secret not in written
