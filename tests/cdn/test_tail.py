"""A followed log loses no line and repeats none through every kind of rotation and restart."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.tail import LogTail
from tests.cdn.scene import Scene, nginx_line


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


def test_the_position_and_what_is_still_to_be_counted_are_shown(reader: Reader) -> None:
    line = nginx_line()
    reader.log.write_bytes(line + line[:-9])
    reader.read()
    assert reader.scene.tables.offset.get("edge") == len(line)
    assert reader.scene.tables.backlog.get("edge") == len(line) - 9
    reader.log.write_bytes(line + line)
    reader.read()
    assert reader.scene.tables.backlog.get("edge") == 0
