"""The spool between the engine and history."""

from __future__ import annotations

from pathlib import Path

from exporters.viewers.spool import SpoolReader, SpoolWriter
from tests.viewers.making import Clock


def records(folder: Path) -> list[dict[str, object]]:
    return [record for file in SpoolReader(folder).files() for record in file.records]


def test_a_closed_file_is_read_in_order_and_deleted(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    for number in range(3):
        assert writer.write({"kind": "event", "number": number})
    assert records(tmp_path) == []  # still open
    writer.rotate()
    reader = SpoolReader(tmp_path)
    (path,) = reader.waiting()
    assert [record["number"] for record in reader.read(path).records] == [0, 1, 2]
    reader.delete(path)
    reader.delete(path)
    assert reader.waiting() == []


def test_files_close_when_they_are_old_or_large(tmp_path: Path) -> None:
    clock = Clock()
    writer = SpoolWriter(tmp_path, file_bytes=200, file_seconds=2.0, clock=clock)
    writer.write({"text": "x" * 300})
    assert len(SpoolReader(tmp_path).waiting()) == 1
    writer.write({"text": "y"})
    clock.now += 2.0
    writer.turn()
    assert len(SpoolReader(tmp_path).waiting()) == 2
    writer.close()


def test_a_file_left_by_a_killed_process_is_closed_at_the_next_start(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.write({"number": 1})
    (path,) = tmp_path.glob("*.open")
    with path.open("ab") as file:
        file.write(b'1234abcd {"number"')  # torn
    successor = SpoolWriter(tmp_path)
    assert list(tmp_path.glob("*.open")) == [path]  # a mere check of the configuration changes nothing
    successor.turn()
    (file_read,) = SpoolReader(tmp_path).files()
    assert (file_read.records, file_read.damaged) == (({"number": 1},), 1)
    writer._path = tmp_path / "gone.open"  # the dead process writes no more
    (tmp_path / "gone.open").touch()
    writer.close()


def test_a_damaged_line_hides_no_other(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    for number in range(3):
        writer.write({"number": number})
    writer.close()
    (path,) = SpoolReader(tmp_path).waiting()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1].replace(b"1}", b"7}") + lines[2])
    (file_read,) = SpoolReader(tmp_path).files()
    assert ([record["number"] for record in file_read.records], file_read.damaged) == ([0, 2], 1)


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, limit_bytes=100)
    assert writer.write({"text": "x" * 40})
    assert not writer.write({"text": "x" * 40})
    writer.rotate()
    (path,) = SpoolReader(tmp_path).waiting()
    path.unlink()
    writer.turn()
    assert writer.write({"text": "x" * 40})
    writer.close()


def test_files_that_the_reader_has_set_aside_take_no_room(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, limit_bytes=100)
    assert writer.write({"text": "x" * 40})
    writer.rotate()
    (path,) = SpoolReader(tmp_path).waiting()
    path.rename(path.with_suffix(".refused"))
    writer.turn()
    assert writer.waiting_bytes == 0
    assert writer.write({"text": "x" * 40})
    writer.close()
