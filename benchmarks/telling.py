"""A program that tells how it does while it runs: lines of a word and a JSON object, kept in a file."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Telling:
    """The running program and what it has told."""

    process: subprocess.Popen[str]
    path: Path

    def newest(self, word: str) -> dict[str, Any]:
        """The last object told under this word; empty when there is none yet."""
        lines = self.path.read_text("utf-8").split("\n")[:-1]
        told = [line for line in lines if line.startswith(word + " ")]
        found: dict[str, Any] = json.loads(told[-1].partition(" ")[2]) if told else {}
        return found

    def wait(self, word: str, seconds: float) -> dict[str, Any]:
        """The first object told under this word; raises RuntimeError when it does not come."""
        deadline = time.monotonic() + seconds
        while not (found := self.newest(word)):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"{self.process.args!r} did not say {word!r}")
            time.sleep(0.02)
        return found

    def say(self, line: str) -> None:
        """A line to its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@contextmanager
def telling(command: Sequence[str | Path], path: Path) -> Iterator[Telling]:
    """The program, running; its standard input is closed when the block ends, which it takes as the end."""
    with path.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=output, text=True)
    try:
        yield Telling(process, path)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.terminate()
