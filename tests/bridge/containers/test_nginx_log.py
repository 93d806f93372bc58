"""The log of a local media server."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bridge.containers.model import LogLine
from bridge.containers.nginx_log import TAIL_BYTES, read_log


def test_lines_have_their_time_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "nginx.log"
    path.write_text("2026/11/23 18:53:58 [notice] 1#1: nginx/1.22.1\n2026/11/23 18:53:59 [notice] 1#1: start\n")
    local = time.mktime((2026, 11, 23, 18, 53, 59, 0, 0, -1))
    expected = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(local))
    assert read_log(path, 1) == (LogLine(expected, "[notice] 1#1: start"),)
    assert len(read_log(path, 10)) == 2


def test_a_line_without_a_time_has_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "nginx.log"
    path.write_text("nginx: something\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert read_log(path, 5) == (LogLine("2023-11-14T22:13:20Z", "nginx: something"),)


def test_a_long_log_is_read_from_its_end_only(tmp_path: Path) -> None:
    path = tmp_path / "nginx.log"
    path.write_bytes(b"x" * (2 * TAIL_BYTES) + b"\n\xff last\n")
    assert read_log(path, 1)[0].message == "\ufffd last"


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.log", 5) == ()
