"""A log that is written under load and rotated many times a second, every line known."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tests.cdn.scene import nginx_line

BURST_LINES = 100
PATH = "/hls/storm_720p/1.ts"
"""of a stream that nobody watches, so that no viewers are inferred from these lines"""


class Storm:
    """Appends lines as a busy edge does; ``written`` is how many there are in all."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._rotations = 0
        self.written = 0

    def write(self, lines: int) -> None:
        """Append this many lines, each of its own length, a part of them torn between two writes."""
        now = time.time()
        for start in range(self.written, self.written + lines, BURST_LINES):
            numbers = range(start, min(start + BURST_LINES, self.written + lines))
            burst = b"".join(nginx_line(PATH, size=one, time=now, request_id=f"{one:032x}") for one in numbers)
            with self._log.open("ab", buffering=0) as file:
                file.write(burst[: len(burst) // 2])
                file.write(burst[len(burst) // 2 :])
        self.written += lines

    def rotate_by_renaming(self) -> None:
        self._log.rename(self._next_name())

    def rotate_by_copying(self) -> None:
        shutil.copy2(self._log, self._next_name())
        with self._log.open("r+b") as file:
            file.truncate()

    def _next_name(self) -> Path:
        self._rotations += 1
        return self._log.with_name(f"{self._log.name}.{self._rotations:06d}")
