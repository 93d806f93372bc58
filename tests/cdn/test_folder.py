"""Finished log files in a folder are counted once each."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from exporters.cdn.sources.folder import LogFolder
from tests.cdn.scene import FIXTURES, NOW, Scene


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


def log_text(prefix: str) -> bytes:
    return (FIXTURES / "cloudfront-standard.tsv").read_bytes().replace(b"\treq", b"\t" + prefix.encode())


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
    (tmp_path / "logs" / "a.gz").unlink()
    folder.turn()
    assert scene.ledger.checkpoint.position("cf:a.gz") is None
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
