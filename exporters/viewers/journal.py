"""The journal: every input, on disk before it is applied, so that the death of the process loses nothing taken.

A file holds checksummed lines, each the inputs of one request or batch. Files are numbered; checkpoint number n has
all that came before journal n.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from io import FileIO
from pathlib import Path
from zlib import crc32

import orjson

from exporters.viewers.appending import append_whole
from exporters.viewers.inputs import Input, pack, unpack

log = logging.getLogger(__name__)
PREFIX, SUFFIX = "journal-", ".log"


class Journal:
    """Appends to one file; what is written survives the process, since nothing is held back in buffers of ours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: FileIO | None = None
        self.number = 0
        self.bytes = 0
        self.has_gap = False
        """whether something could not be written, so that only a checkpoint keeps it"""

    def begin(self, number: int) -> None:
        """Go on in a new file; in the old one when it cannot be made (OSError)."""
        path = self._folder / f"{PREFIX}{number:012d}{SUFFIX}"
        file = FileIO(str(path), "ab", opener=_private)
        self.close()
        self._file, self.number, self.bytes = file, number, 0

    def append(self, inputs: Sequence[Input]) -> None:
        """Write inputs as one line. A full disk is logged once and does not stop the counting."""
        body = orjson.dumps([pack(one) for one in inputs])
        line = b"%08x %b\n" % (crc32(body), body)
        assert self._file is not None
        try:
            append_whole(self._file, line)
            self.bytes += len(line)
        except OSError as error:
            if not self.has_gap:
                log.error("journal %d cannot be written, a restart would lose reports: %s", self.number, error)
            self.has_gap = True

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def journals(folder: Path) -> list[tuple[int, Path]]:
    """The journal files and their numbers, oldest first."""
    paths = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    return [(int(path.name[len(PREFIX) : -len(SUFFIX)]), path) for path in paths]


def read_journal(path: Path) -> Iterator[list[Input]]:
    """The lines of a journal up to the end or to a torn line, which was never answered for."""
    with path.open("rb") as file:
        for line in file:
            body = line[9:-1]
            try:
                if not line.endswith(b"\n") or int(line[:8], 16) != crc32(body):
                    raise ValueError("checksum")
                inputs = [unpack(row) for row in orjson.loads(body)]
            except (ValueError, KeyError, TypeError, IndexError) as error:
                log.warning("%s ends in a torn line: %s", path.name, error)
                return
            yield inputs
