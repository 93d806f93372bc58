"""Finished log files in a folder are counted once each."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.files import LogFile, Piece
from exporters.cdn.sources.folder import FORGET_SECONDS, LogFolder
from tests.cdn.scene import FIXTURES, NOW, Scene, lock_seen_by_others, rows


def opened(folder: Path) -> tuple[Scene, LogFolder]:
    scene = Scene(folder / "state")
    tally, counter = scene.source("cloudfront", repeats=True, name="cf")
    scene.ledger.restore()
    return scene, LogFolder(folder / "logs" / "*.gz", tally, counter, scene.ledger, now=scene.clock)


def put(folder: Path, name: str, text: bytes, age: float = 60) -> None:
    path = folder / "logs" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text))
    os.utime(path, (NOW - age, NOW - age))


def cut_short(path: Path, count: int) -> None:
    """Take bytes off a file's end, as if nobody had touched it."""
    changed = path.stat().st_mtime
    path.write_bytes(path.read_bytes()[:-count])
    os.utime(path, (changed, changed))


def results(scene: Scene) -> dict[str, float]:
    return {labels[-1]: count for labels, count in rows(scene.tables.records.public).items()}


def log_text(prefix: str) -> bytes:
    return (FIXTURES / "cloudfront-standard.tsv").read_bytes().replace(b"\treq", b"\t" + prefix.encode())


def good_text(prefix: str) -> bytes:
    """Two header lines and five requests."""
    return b"".join(log_text(prefix).splitlines(keepends=True)[:7])


def test_each_file_counts_once_through_restarts(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", log_text("a"))
    scene, folder = opened(tmp_path)
    folder.turn()
    folder.turn()
    scene.ledger.commit()
    scene.close()
    put(tmp_path, "b.gz", log_text("b"))
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    assert scene.tables.records.public.get("cloudfront", "cf", "ok") == 10
    scene.close()


def test_a_file_missing_for_long_is_forgotten(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a"))
    put(tmp_path, "b.gz", good_text("b"))
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    (tmp_path / "logs" / "a.gz").unlink()
    folder.turn()
    scene.now += FORGET_SECONDS
    folder.turn()
    assert scene.ledger.checkpoint.position("cf:a.gz") is not None
    scene.now += 1
    folder.turn()
    assert scene.ledger.checkpoint.position("cf:a.gz") is None
    assert scene.ledger.checkpoint.position("cf:b.gz") is not None
    scene.close()


def away(logs: Path) -> None:
    logs.rename(logs.with_name("elsewhere"))


def unmounted(logs: Path) -> None:
    away(logs)
    logs.mkdir()


@pytest.mark.parametrize("leave", [away, unmounted])
def test_a_folder_that_is_away_for_long_is_not_counted_again(leave: Callable[[Path], None], tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a"))
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    leave(tmp_path / "logs")
    for _ in range(3):
        folder.turn()
        scene.now += 2 * FORGET_SECONDS
    (tmp_path / "elsewhere").rename(tmp_path / "logs")
    folder.turn()
    scene.ledger.commit()
    assert results(scene) == {"ok": 5, "filtered": 2}
    scene.close()


def test_a_file_away_for_one_look_is_not_counted_again(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a"))
    put(tmp_path, "b.gz", good_text("b"))
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    for _ in range(3):  # each time it is missed anew
        (tmp_path / "logs" / "a.gz").rename(tmp_path / "a.gz")
        folder.turn()
        (tmp_path / "a.gz").rename(tmp_path / "logs" / "a.gz")
        scene.now += FORGET_SECONDS
        folder.turn()
    scene.ledger.commit()
    assert results(scene) == {"ok": 10, "filtered": 4}
    scene.close()


def test_an_oversized_line_counts_once_and_is_no_line_in_parts(tmp_path: Path) -> None:
    oversized = b"x" * MAX_LINE_BYTES + b"#Fields: c-ip\n" + b"x" * (10 * MAX_LINE_BYTES) + b"\n"
    put(tmp_path, "a.gz", good_text("a") + oversized + good_text("b").split(b"\n", 2)[2])
    put(tmp_path, "b.gz", good_text("c") + b"x" * MAX_LINE_BYTES + b"#Fields: c-ip")
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    assert results(scene) == {"ok": 15, "filtered": 4, "oversized": 3}
    scene.close()


def test_an_oversized_line_is_skipped_on_after_a_restart(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a") + b"x" * (5 * MAX_LINE_BYTES) + b"\n" + good_text("b").split(b"\n", 2)[2])
    scene, folder = opened(tmp_path)
    take = folder._take

    def take_and_stop(file: LogFile, piece: Piece) -> None:
        take(file, piece)
        if piece.oversized:
            folder.stopping.set()

    folder._take = take_and_stop  # type: ignore[method-assign]
    folder.turn()
    scene.ledger.commit()
    assert results(scene) == {"ok": 5, "filtered": 2, "oversized": 1}
    scene.close()
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    assert results(scene) == {"ok": 10, "filtered": 2, "oversized": 1}
    scene.close()


def test_a_broken_gzip_counts_once_through_restarts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    put(tmp_path, "a.gz", good_text("a"))
    cut_short(tmp_path / "logs" / "a.gz", 8)  # all lines can be read, the checksum not
    put(tmp_path, "b.gz", good_text("b"))
    cut_short(tmp_path / "logs" / "b.gz", os.path.getsize(tmp_path / "logs" / "b.gz") - 40)  # not even its mark
    for _ in range(3):
        scene, folder = opened(tmp_path)
        folder.turn()
        folder.turn()
        scene.ledger.commit()
        assert results(scene) == {"ok": 5, "filtered": 2, "parse_error": 2}
        scene.close()
    assert len(caplog.records) == 2


def test_a_gzip_that_was_incomplete_is_read_on_when_it_is_whole(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a"))
    whole = (tmp_path / "logs" / "a.gz").read_bytes()
    scene, folder = opened(tmp_path)
    for end, age in ((40, 60), (80, 50), (len(whole) - 9, 40), (len(whole), 30)):
        (tmp_path / "logs" / "a.gz").write_bytes(whole[:end])
        os.utime(tmp_path / "logs" / "a.gz", (NOW - age, NOW - age))
        folder.turn()
    scene.ledger.commit()
    assert results(scene)["ok"] == 5
    scene.close()


def test_an_oversized_line_and_a_broken_file_count_in_one_step_with_the_position(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", good_text("a") + b"x" * MAX_LINE_BYTES)
    cut_short(tmp_path / "logs" / "a.gz", 8)
    scene, folder = opened(tmp_path)
    held = lock_seen_by_others(scene.ledger)
    folder.turn()
    assert held == [("oversized", True), ("parse_error", True)]
    scene.close()


def test_a_folder_that_cannot_be_read_is_said_once_and_so_is_that_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    logs = tmp_path / "logs"
    scene, folder = opened(tmp_path)
    for _ in range(3):
        folder.turn()
    logs.touch()
    for _ in range(3):
        folder.turn()
    logs.unlink()
    put(tmp_path, "a.gz", good_text("a"))
    (logs / "folder.gz").mkdir()
    os.utime(logs / "folder.gz", (NOW - 60, NOW - 60))
    for _ in range(3):
        folder.turn()
    assert caplog.messages == [
        f"cf: waits for {logs}: No such file or directory",
        f"cf: cannot read {logs}: Not a directory",
        f"cf: can read {logs} now",
        f"cf: cannot read {logs}/folder.gz: Is a directory",
    ]
    scene.ledger.commit()
    assert results(scene) == {"ok": 5, "filtered": 2}
    scene.close()


def test_a_record_in_two_files_counts_once(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", log_text("a"))
    put(tmp_path, "b.gz", log_text("a") + log_text("c"))
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    assert scene.tables.records.public.get("cloudfront", "cf", "ok") == 10
    assert scene.tables.records.public.get("cloudfront", "cf", "duplicate") == 5
    scene.close()


def test_a_file_still_being_written_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.gz", log_text("a"), age=1)
    scene, folder = opened(tmp_path)
    folder.turn()
    scene.ledger.commit()
    assert scene.tables.requests.public.total() == 0
    scene.now += 2
    folder.turn()
    scene.ledger.commit()
    assert scene.tables.requests.public.total() == 5
    scene.close()
