"""What bodies of pushed logs count, and that those which cannot be read whole, or be stored, count nothing."""

from __future__ import annotations

import base64
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from exporters.cdn import ledger
from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources import push
from exporters.cdn.sources.push import PushIntake, PushSource, whole_lines
from tests.cdn.scene import FIXTURES, Scene, rows

LINES = (FIXTURES / "cloudflare.jsonl").read_bytes().splitlines(keepends=True)[:5]
LONG = b"x" * (MAX_LINE_BYTES + 1) + b"\n"
NAMES = ("cloudflare-of-the-north", "cloudflare-of-the-south")


class Intake:
    """An intake of two sources over a scene."""

    def __init__(self, folder: Path) -> None:
        self.scene = Scene(folder)
        opened = {name: PushSource(*self.scene.source("cloudflare", repeats=True, name=name)) for name in NAMES}
        self.scene.ledger.restore()
        self.handed = opened[NAMES[0]].tally.handed
        self._intake = PushIntake(opened, self.scene.ledger, "s3cret")

    def push(self, body: bytes, name: str = NAMES[0], firehose_id: str = "") -> int:
        headers = {"x-amz-firehose-request-id": firehose_id} if firehose_id else {}
        return self._intake.take(name, io.BytesIO(body), len(body), headers).status

    def results(self, name: str = NAMES[0]) -> dict[str, float]:
        return {labels[2]: value for labels, value in rows(self.scene.tables.records.public).items() if name in labels}

    def break_store(self) -> None:
        what = "CREATE TRIGGER full BEFORE INSERT ON series BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        self.scene.ledger.checkpoint._base.execute(what)

    def mend_store(self) -> None:
        self.scene.ledger.checkpoint._base.execute("DROP TRIGGER full")


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path)
    yield made
    made.scene.close()


def envelope(*data: bytes) -> bytes:
    return orjson.dumps({"requestId": "r", "records": [{"data": base64.b64encode(one).decode()} for one in data]})


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_line_too_long_is_left_out_alone(place: int, packed: bool, intake: Intake) -> None:
    body = b"".join([*LINES[:place], LONG, *LINES[place:]])
    assert intake.push(gzip.compress(body) if packed else body) == 200
    assert intake.results() == {"ok": 5, "oversized": 1}


def test_a_line_too_long_in_an_envelope_is_left_out_alone(intake: Intake) -> None:
    assert intake.push(envelope(*LINES[:2], LONG, b"".join(LINES[2:])), firehose_id="r") == 200
    assert intake.results() == {"ok": 5, "oversized": 1}


@pytest.mark.parametrize("size", [1, 7, 4096, MAX_LINE_BYTES])
def test_lines_are_the_same_wherever_the_parts_of_a_body_end(size: int) -> None:
    longest = b"y" * MAX_LINE_BYTES + b"\n"
    text = b"".join([b"a\n", LONG, b"\n", longest, LONG * 3, b"b\n", longest, b"z" * 200_000, b"\nc\nd"])
    refused: list[None] = []
    parts = (text[start : start + size] for start in range(0, len(text), size))
    lines = b"".join(whole_lines(parts, lambda: refused.append(None)))
    assert [line for line in lines.split(b"\n") if line] == [b"a", longest[:-1], b"b", longest[:-1], b"c", b"d"]
    assert len(refused) == 5


@pytest.mark.parametrize(
    ("body", "enveloped"),
    [
        (gzip.compress(b"".join(LINES * 2000), 1)[:-9], False),
        (gzip.compress(b"".join(LINES)) + b"trailing", False),
        (b"\x1f\x8bnonsense", False),
        (gzip.compress(envelope(*LINES))[:-9], True),
        (envelope(*LINES)[:-9], True),
        (b'{"records":[{"data":"' + base64.b64encode(LINES[0]) + b'"},{"data":"A"}]}', True),
        (b"[]", True),
        (b'{"records":[1]}', True),
    ],
    ids=["torn", "trailing", "no-gzip", "torn-envelope", "cut-envelope", "no-base64", "no-envelope", "no-record"],
)
def test_a_body_that_cannot_be_read_whole_counts_nothing(body: bytes, enveloped: bool, intake: Intake) -> None:
    assert intake.push(body, firehose_id="r" if enveloped else "") == 400
    assert intake.push(envelope(*LINES), firehose_id="r") == 200, "it may come again, whole"
    assert intake.results() == {"ok": 5}


def test_a_body_that_unpacks_to_too_much_counts_nothing(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    assert intake.push(gzip.compress(b"".join(LINES) + b"\0" * (200 << 20), 9)) == 413
    monkeypatch.setattr(push, "MAX_LINES", 4)
    assert intake.push(b"".join(LINES)) == 413
    assert intake.push(envelope(b"".join(LINES)), firehose_id="r1") == 413
    assert intake.push(envelope(*LINES, b""), firehose_id="r2") == 413
    monkeypatch.setattr(push, "MAX_LINES", 6)
    assert intake.push(envelope(*LINES), firehose_id="r2") == 200
    assert intake.results() == {"ok": 5}


def test_an_envelope_that_unpacks_to_too_much_is_not_held_in_memory(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push, "MAX_ENVELOPE_BYTES", 4 << 20)
    bomb = gzip.compress(b'{"records":[{"data":"' + b"A" * (100 << 20) + b'"}]}', 9)
    bomb += b"\0" * ((2 << 20) - len(bomb))
    tracemalloc.start()
    status, peak = intake.push(bomb, firehose_id="r"), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert status == 413 and peak < 8 << 20


def test_an_envelope_sent_plain_may_be_as_large_as_a_body(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "MAX_ENVELOPE_BYTES", 100)
    assert intake.push(envelope(*LINES), firehose_id="r") == 200
    assert intake.results() == {"ok": 5}


def test_while_nothing_can_be_stored_one_body_waits_and_no_more_are_counted(intake: Intake) -> None:
    bodies = [b"".join(LINES[:2]), LINES[2], LINES[3]]
    intake.break_store()
    assert [intake.push(body) for body in bodies * 3] == [503] * 9
    assert (len(intake.handed), len(intake.scene.ledger._deliveries)) == (2, 1)
    intake.mend_store()
    assert [intake.push(body) for body in bodies] == [200] * 3
    assert intake.results() == {"ok": 4, "duplicate": 1}


def test_no_body_is_counted_while_other_sources_fill_the_ledger(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MAX_HANDED", 0)
    intake.break_store()
    intake.scene.tables.records.add(1, "other", "other", "ok")
    assert intake.push(b"".join(LINES)) == 503
    assert intake.handed == []
    intake.mend_store()
    assert intake.push(b"".join(LINES)) == 200
    assert intake.results() == {"ok": 5}


def test_sources_with_like_names_count_the_same_body_each(intake: Intake) -> None:
    assert [intake.push(LINES[0], name) for name in NAMES] == [200, 200]
    assert [intake.results(name) for name in NAMES] == [{"ok": 1}, {"ok": 1}]
