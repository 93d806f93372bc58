"""A followed log loses no line and repeats none through every kind of rotation and restart."""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.tail import LogTail
from tests.cdn.scene import Scene, lock_seen_by_others, nginx_line


class Reader:
    """A tail over a scene, turned by hand; ``again`` starts anew from the checkpoint as a killed process would."""

    def __init__(self, folder: Path, from_end: bool = False) -> None:
        self.folder = folder
        self.log = folder / "edge.json"
        self.clock = 0.0
        self.from_end = from_end
        self._open()

    def _open(self) -> None:
        self.scene = Scene(self.folder / "state")
        tally, counter = self.scene.source("nginx", hands_over=False)
        self.scene.ledger.restore()
        ledger, end = self.scene.ledger, self.from_end
        self.tail = LogTail(self.log, tally, counter, ledger, from_end=end, monotonic=lambda: self.clock)

    def again(self) -> None:
        self.close()
        self._open()

    def close(self) -> None:
        self.tail.stop()
        self.scene.close()

    def read(self) -> int:
        """Read all there is, a rotation's grace included; the records stored so far."""
        for _ in range(2):
            while self.tail.turn():
                pass
            self.clock += 3
        while self.tail.turn():
            pass
        self.scene.ledger.commit()
        return int(self.scene.tables.records.public.total())

    def result(self, name: str) -> float | None:
        return self.scene.tables.records.public.get("nginx", "edge", name)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    made = Reader(tmp_path)
    yield made
    made.close()


def lines(first: int, count: int) -> bytes:
    return b"".join(nginx_line(request_id=f"{number}", size=number) for number in range(first, first + count))


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def rename(log: Path) -> None:
    log.rename(log.with_name("edge.json.1"))


def copy_and_truncate(log: Path) -> None:
    shutil.copy(log, log.with_name("edge.json.1"))
    os.truncate(log, 0)


def rename_and_gzip(log: Path) -> None:
    log.with_name("edge.json.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()


def dated(log: Path) -> None:
    log.rename(log.with_name("edge.json-20261123"))


def pack(log: Path, packed: Path) -> None:
    """What gzip does: the packed file is as old as the log was."""
    changed = log.stat().st_mtime
    packed.write_bytes(gzip.compress(log.read_bytes()))
    os.utime(packed, (changed, changed))
    log.unlink()


def later(log: Path, seconds: float = 60) -> None:
    """Let it be written so long after it was."""
    changed = log.stat().st_mtime + seconds
    os.utime(log, (changed, changed))


def denied(path: Path, mode: str, buffering: int) -> NoReturn:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


ROTATIONS = [rename, copy_and_truncate, rename_and_gzip, dated]


@pytest.mark.parametrize("rotate", ROTATIONS)
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_lines_before_and_after_a_rotation_count_once(
    rotate: Callable[[Path], None], restart: bool, reader: Reader
) -> None:
    append(reader.log, lines(0, 10))
    assert reader.read() == 10
    if restart:
        reader.again()
    append(reader.log, lines(10, 5))  # unread when the log is rotated
    rotate(reader.log)
    append(reader.log, lines(15, 7))
    assert reader.read() == 22
    assert reader.scene.tables.response_bytes.public.total() == sum(range(22))
    reader.again()
    assert reader.read() == 22


def test_several_rotations_while_away_are_all_read(reader: Reader) -> None:
    append(reader.log, lines(0, 3))
    assert reader.read() == 3
    append(reader.log, lines(3, 3))
    reader.tail.stop()
    for number in (4, 3, 2):
        packed = reader.log.with_name(f"edge.json.{number}.gz")
        packed.write_bytes(gzip.compress(reader.log.read_bytes()))
        os.utime(packed, (1_000 - number, 1_000 - number))
        reader.log.write_bytes(lines(100 * number, 3))
    shutil.copy(reader.log, reader.log.with_name("edge.json.1"))
    reader.log.with_name("edge.json.1.gz").write_bytes(gzip.compress(reader.log.read_bytes()))
    for name in ("edge.json.1", "edge.json.1.gz"):
        os.utime(reader.log.with_name(name), (2_000, 2_000))
    reader.log.write_bytes(lines(900, 2))
    reader.again()
    expected = sum(range(6)) + sum(sum(range(100 * n, 100 * n + 3)) for n in (4, 3, 2)) + 900 + 901
    assert reader.read() == 6 + 3 * 3 + 2
    assert reader.scene.tables.response_bytes.public.total() == expected


def test_a_log_truncated_and_written_past_the_old_offset_is_noticed(reader: Reader) -> None:
    append(reader.log, lines(0, 3))
    assert reader.read() == 3
    os.truncate(reader.log, 0)
    append(reader.log, lines(50, 9))
    assert reader.read() == 12


def test_a_line_counts_when_it_is_whole(reader: Reader) -> None:
    whole = nginx_line()
    append(reader.log, whole + whole[:100])
    assert reader.read() == 1
    append(reader.log, whole[100:])
    assert reader.read() == 2
    assert reader.result("parse_error") == 0


def test_a_line_left_unfinished_by_rotation_does_not_stop_the_next_file(reader: Reader) -> None:
    append(reader.log, nginx_line() + nginx_line()[:100])
    assert reader.read() == 1
    rename(reader.log)
    append(reader.log, nginx_line())
    assert reader.read() == 3
    assert reader.result("parse_error") == 1


def test_a_line_that_never_ends_is_skipped_and_counted_once(reader: Reader) -> None:
    append(reader.log, nginx_line() + b"x" * (10 << 20))
    reader.read()
    reader.again()  # the skipping is in the checkpoint too
    append(reader.log, b"x\n" + nginx_line())
    assert reader.read() == 3
    assert (reader.result("ok"), reader.result("oversized"), reader.result("parse_error")) == (2, 1, 0)


def test_a_line_over_the_chunk_border_counts_once(reader: Reader) -> None:
    count = 3 * MAX_LINE_BYTES // len(nginx_line())
    append(reader.log, lines(0, count))
    assert reader.read() == count
    assert reader.scene.tables.response_bytes.public.total() == sum(range(count))


def test_a_first_start_at_the_end_counts_only_what_comes(tmp_path: Path) -> None:
    append(tmp_path / "edge.json", lines(0, 10) + nginx_line()[:50])
    reader = Reader(tmp_path, from_end=True)
    assert reader.read() == 0
    append(reader.log, nginx_line()[50:] + lines(0, 2))
    assert reader.read() == 3
    reader.close()


def test_a_log_that_appears_later_is_read_from_its_beginning(tmp_path: Path) -> None:
    reader = Reader(tmp_path, from_end=True)
    assert reader.read() == 0
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    reader.close()


def test_a_removed_log_is_gone_on_with_in_its_successor(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    reader.log.unlink()
    assert reader.read() == 4
    append(reader.log, lines(10, 4))
    assert reader.read() == 8


def test_a_writer_slow_to_reopen_is_waited_for(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    reader.read()
    rename(reader.log)
    append(reader.log, lines(10, 1))
    while reader.tail.turn():
        pass
    append(reader.log.with_name("edge.json.1"), lines(4, 2))  # a worker that still has the old file open
    assert reader.read() == 7


def test_a_broken_gzip_costs_only_its_own_rest(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    append(reader.log, lines(4, 2_000))
    packed = gzip.compress(reader.log.read_bytes())
    reader.log.with_name("edge.json.1.gz").write_bytes(packed[: len(packed) // 2])
    reader.log.write_bytes(lines(9_000, 3))
    total = reader.read()
    assert reader.result("parse_error") == 1
    assert total < 2_007
    assert reader.scene.tables.response_bytes.public.total() >= 9_000 * 3 + 3


def test_a_log_rotated_again_before_its_successor_is_read_is_not_passed_over(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    for number in range(1, 4):
        os.utime(reader.log, (1e9 + number, 1e9 + number))
        reader.log.rename(reader.log.with_name(f"edge.json.{10 - number}"))
        append(reader.log, lines(100 * number, 2))
        while not reader.tail._rotated:  # it waits for the grace, finds its file rotated, and then another follows
            reader.tail.turn()
            reader.clock += 3
    assert reader.read() == 10


def test_a_log_found_empty_and_rotated_before_it_was_read_is_not_passed_over(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    reader.log.rename(reader.log.with_name("edge.json.1"))
    reader.log.touch()
    assert reader.read() == 4
    append(reader.log, lines(4, 3))
    shutil.copy2(reader.log, reader.log.with_name("edge.json.2"))
    os.truncate(reader.log, 0)
    append(reader.log, lines(7, 2))
    assert reader.read() == 9


def test_what_was_rotated_is_read_while_there_is_no_present_log(reader: Reader) -> None:
    append(reader.log, lines(0, 4))
    assert reader.read() == 4
    for number in (1, 2):
        reader.log.rename(reader.log.with_name(f"edge.json.{number}"))
        append(reader.log, lines(10 * number, 2))
    reader.log.rename(reader.log.with_name("edge.json.3"))
    assert reader.read() == 8
    append(reader.log, lines(100, 1))
    assert reader.read() == 9


def test_lines_after_an_empty_log_that_was_rotated_are_read_when_it_is_packed(reader: Reader) -> None:
    log, numbered = reader.log, [reader.log.with_name(f"edge.json.{number}") for number in range(3)]
    append(log, lines(0, 3))
    assert reader.read() == 3
    log.rename(numbered[2])
    log.touch()
    log.rename(numbered[1])  # nothing was logged, and it was rotated nevertheless
    append(log, b"")
    assert reader.read() == 3
    reader.tail.stop()
    numbered[2].unlink()
    pack(numbered[1], log.with_name("edge.json.2.gz"))
    log.write_bytes(lines(10, 100))
    log.rename(numbered[1])
    later(numbered[1])
    append(log, lines(200, 10))
    reader.again()
    assert reader.read() == 113
    assert reader.scene.tables.response_bytes.public.total() == 3 + sum(range(10, 110)) + sum(range(200, 210))
    reader.again()
    assert reader.read() == 113


def test_empty_copies_between_two_rotated_logs_are_passed_over(reader: Reader) -> None:
    append(reader.log, lines(0, 3))
    assert reader.read() == 3
    for number in (5, 4, 3, 2):
        copy = reader.log.with_name(f"edge.json.{number}")
        reader.log.rename(copy)
        os.utime(copy, (1e9 - number, 1e9 - number))
        reader.log.write_bytes(lines(10, 4) if number == 3 else b"")
    pack(reader.log.with_name("edge.json.4"), reader.log.with_name("edge.json.4.gz"))
    append(reader.log, lines(20, 5))
    assert reader.read() == 12


def test_a_rotated_log_with_a_part_of_a_line_is_not_taken_for_one_that_begins_alike(reader: Reader) -> None:
    log, part = reader.log, nginx_line()[:20]
    append(log, lines(0, 3))
    assert reader.read() == 3
    log.rename(log.with_name("edge.json.4"))
    log.write_bytes(part)
    log.rename(log.with_name("edge.json.3"))
    later(log.with_name("edge.json.3"))
    assert (reader.read(), reader.result("parse_error")) == (4, 1)
    reader.tail.stop()
    pack(log.with_name("edge.json.3"), log.with_name("edge.json.3.gz"))
    log.write_bytes(lines(10, 5))
    log.rename(log.with_name("edge.json.2"))
    later(log.with_name("edge.json.2"), 120)
    append(log, lines(20, 2))
    reader.again()
    assert (reader.read(), reader.result("parse_error")) == (11, 1)


def test_where_the_log_that_was_read_is_gone_only_later_ones_are_read(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (7, 8):
        old = reader.log.with_name(f"edge.json.{number}")
        old.write_bytes(lines(100 * number, 9))
        later(old, -60 * number)
    append(reader.log, lines(0, 3))
    size = reader.log.stat().st_size
    assert reader.read() == 3
    reader.log.unlink()
    for number in (1, 2):
        append(reader.log.with_name(f"edge.json.{number}"), lines(10 * number, 2))
        later(reader.log.with_name(f"edge.json.{number}"), 60 - number)
    reader.again()
    assert reader.read() == 7
    append(reader.log, lines(50, 1))
    assert reader.read() == 8
    going_on = f"{reader.log}: the file that was read up to byte {size} is gone; going on with {reader.log}.2"
    assert caplog.messages == [f"edge: waits for {reader.log}: No such file or directory", going_on]


def test_an_old_log_that_is_just_being_packed_is_not_taken_for_a_later_one(reader: Reader) -> None:
    old, packed = reader.log.with_name("edge.json.7"), reader.log.with_name("edge.json.7.gz")
    old.write_bytes(lines(100, 9))
    later(old, -60)
    append(reader.log, lines(0, 3))
    assert reader.read() == 3
    reader.log.unlink()
    packed.write_bytes(gzip.compress(lines(100, 9)))
    later(packed)
    append(reader.log, lines(10, 2))
    reader.again()
    assert reader.read() == 5


def test_a_truncated_log_without_a_copy_is_gone_on_with_when_it_has_a_line(reader: Reader) -> None:
    append(reader.log, lines(0, 3))
    assert reader.read() == 3
    os.truncate(reader.log, 0)
    assert reader.read() == 3
    reader.again()
    assert reader.read() == 3
    append(reader.log, lines(10, 1))
    rename(reader.log)
    later(reader.log.with_name("edge.json.1"))
    append(reader.log, lines(20, 1))
    assert reader.read() == 5


@pytest.mark.parametrize("left", [8, 2_000, 20_000], ids=["checksum", "middle", "beginning"])
def test_a_broken_gzip_counts_once_while_the_present_log_is_empty(
    left: int, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    text = b"".join(nginx_line(request_id=random.Random(number).randbytes(16).hex()) for number in range(1_000))
    append(reader.log, text[: text.index(b"\n") + 1])
    reader.read()
    append(reader.log, text[text.index(b"\n") + 1 :])
    packed = gzip.compress(text)
    reader.log.with_name("edge.json.1.gz").write_bytes(packed[: len(packed) - left])
    reader.log.unlink()
    reader.log.touch()
    for _ in range(3):
        reader.again()
        reader.read()
        assert reader.read() == int(reader.result("ok") or 0) + 1
        assert reader.result("parse_error") == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    before = reader.read()
    append(reader.log, lines(5_000, 2))
    assert reader.read() == before + 2


def test_a_broken_gzip_with_few_lines_does_not_stop_the_next_file(reader: Reader) -> None:
    append(reader.log, lines(0, 1))
    assert reader.read() == 1
    packed = gzip.compress(lines(0, 4))
    reader.log.with_name("edge.json.1.gz").write_bytes(packed[:-8])
    reader.log.write_bytes(lines(10, 2))
    assert (reader.read(), reader.result("ok")) == (7, 6)


def test_a_line_too_long_and_a_broken_gzip_count_in_one_step_with_the_position(reader: Reader) -> None:
    append(reader.log, lines(0, 1))
    reader.read()
    append(reader.log, b"x" * MAX_LINE_BYTES + b"\n")
    reader.log.with_name("edge.json.1.gz").write_bytes(gzip.compress(reader.log.read_bytes())[:-8])
    reader.log.unlink()
    reader.again()
    held = lock_seen_by_others(reader.scene.ledger)
    reader.read()
    assert held == [("oversized", True), ("parse_error", True)]


def test_a_log_that_does_not_exist_is_said_once_and_so_is_that_it_can_be_read(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    for _ in range(3):
        reader.read()
    append(reader.log, lines(0, 1))
    assert reader.read() == 1
    waits, can = f"edge: waits for {reader.log}: No such file or directory", f"edge: can read {reader.log} now"
    assert caplog.messages == [waits, can]
    reader.log.unlink()
    reader.again()
    for _ in range(3):
        reader.read()
    assert caplog.messages == [waits, can, waits]
    reader.log.mkdir()
    for _ in range(3):
        reader.read()
    assert caplog.messages == [waits, can, waits, f"edge: cannot read {reader.log}: Is a directory"]


def test_a_rotated_log_that_cannot_be_read_is_said_once(reader: Reader, caplog: pytest.LogCaptureFixture) -> None:
    append(reader.log, lines(0, 1))
    assert reader.read() == 1
    reader.log.with_name("edge.json.1").mkdir()
    reader.log.unlink()
    append(reader.log, lines(1, 1))
    reader.again()
    assert reader.read() == 2
    reader.read()
    assert caplog.messages.count(f"edge: cannot read {reader.log}.1: Is a directory") == 1


def test_a_log_that_could_not_be_read_at_first_is_still_begun_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    append(tmp_path / "edge.json", lines(0, 5))
    reader = Reader(tmp_path, from_end=True)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", denied)  # the tests may run as root, who is denied nothing
        assert reader.read() == 0
    assert caplog.messages == [f"edge: cannot read {reader.log}: Permission denied"]
    assert reader.read() == 0
    append(reader.log, lines(5, 2))
    assert reader.read() == 2
    reader.close()


def test_the_position_and_what_is_still_to_be_counted_are_shown(reader: Reader) -> None:
    line = nginx_line()
    reader.log.write_bytes(line + line[:-9])
    reader.read()
    assert reader.scene.tables.offset.get("edge") == len(line)
    assert reader.scene.tables.backlog.get("edge") == len(line) - 9
    reader.log.write_bytes(line + line)
    reader.read()
    assert reader.scene.tables.backlog.get("edge") == 0
