"""Log files and how to know them again: device and inode, and a digest of their first bytes."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from glob import escape as glob_escape
from pathlib import Path
from typing import IO, Any

from exporters.errors import SourceFormatError

MARK_BYTES = 512
HEAD_BYTES = 4 << 10
"""what a format's header, where logs have one, is looked for in"""
ROTATED = re.compile(r"[.-]\d[\dT:._-]*(\.gz)?")
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file has been counted. ``skipping`` says that the offset is within a line too long to be one."""

    device: int
    inode: int
    mark_bytes: int
    mark: str
    offset: int = 0
    skipping: bool = False

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Position:
        return cls(**stored)

    def moved(self, offset: int, skipping: bool = False) -> Position:
        return replace(self, offset=offset, skipping=skipping)


class LogFile:
    """An open log file, plain or gzip; offsets are of the uncompressed text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = path.open("rb", buffering=0)  # a buffer would show what a truncated file held before
        self.zipped = self._raw.read(2) == GZIP_MAGIC
        self._raw.seek(0)
        self._file: IO[bytes] = gzip.GzipFile(fileobj=self._raw, mode="rb") if self.zipped else self._raw  # type: ignore[assignment]
        stat = os.fstat(self._raw.fileno())
        self.device, self.inode = stat.st_dev, stat.st_ino

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; raises SourceFormatError when a gzip file is broken."""
        try:
            if self._file.tell() != offset:
                self._file.seek(offset)
            return self._file.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise SourceFormatError(f"{self.path} is a broken gzip file: {error}") from error

    def size(self) -> int:
        """Size on disk, as it is now."""
        return os.fstat(self._raw.fileno()).st_size

    def start(self, mark_bytes: int = MARK_BYTES) -> Position:
        """The position at the file's beginning."""
        head = self._head(mark_bytes)
        return Position(self.device, self.inode, len(head), digest(head))

    def is_begun(self) -> bool:
        """Whether it has a first line, or enough of one, to be known by."""
        head = self._head(MARK_BYTES)
        return len(head) == MARK_BYTES or b"\n" in head

    def is_same(self, position: Position) -> bool:
        """Whether this file begins as the one of the position did."""
        return digest(self._head(position.mark_bytes)) == position.mark

    def _head(self, size: int) -> bytes:
        return self.read(0, size) if self.zipped else os.pread(self._raw.fileno(), size, 0)

    def close(self) -> None:
        self._file.close()
        self._raw.close()


def digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=16).hexdigest()


def rotated_copies(path: Path) -> list[Path]:
    """Files that rotation has made of ``path``, oldest first: ``edge.json.2.gz``, ``edge.json-20261123``, …"""
    found = []
    for one in path.parent.glob(f"{glob_escape(path.name)}[.-]*"):
        if ROTATED.fullmatch(one.name.removeprefix(path.name)):
            try:
                found.append((one.stat().st_mtime, one.suffix == ".gz", one))
            except OSError:  # rotation may remove it while we look
                continue
    return [one for _, _, one in sorted(found)]


def open_log(path: Path) -> LogFile | None:
    """The file, or None while there is none that can be read."""
    try:
        return LogFile(path)
    except OSError:
        return None


def holder(path: Path, position: Position) -> tuple[LogFile, bool] | None:
    """The open file that the position is in, and whether it is a rotated one; None when it is gone.

    A file is known by inode and first bytes, else by first bytes alone.
    """
    for by_inode in (True, False):
        for candidate in (path, *rotated_copies(path)):
            file = open_log(candidate)
            if file is not None and _holds(file, position, by_inode):
                return file, candidate != path
            if file is not None:
                file.close()
    return None


def successor(path: Path, position: Position) -> tuple[LogFile, bool] | None:
    """The open file that was written after the rotated one of the position, and whether it is a rotated one too.

    None while there is none yet that would be known again after the next rotation. ``path`` is opened before rotated
    files are looked for: should it be rotated in between, it is found among them.
    """
    current = open_log(path)
    newer = _newer(rotated_copies(path), position)
    if newer is None and current is not None and current.is_begun():
        return current, False
    if current is not None:
        current.close()
    return None if newer is None else (newer, True)


def _newer(copies: list[Path], position: Position) -> LogFile | None:
    """The first file after that of the position which is not the same again, such as its gzip."""
    passed = False
    for by_inode in (True, False):
        for copy in copies:
            file = open_log(copy)
            if file is None:
                continue
            if _holds(file, position, by_inode) or (passed and _holds(file, position, by_inode=False)):
                passed = True
            elif passed and _is_readable(file):
                return file
            file.close()
        if passed:
            return None
    return None


def _is_readable(file: LogFile) -> bool:
    try:
        file.start()
    except SourceFormatError:  # gzip is still writing it, and what it reads is still there
        return False
    return True


def _holds(file: LogFile, position: Position, by_inode: bool) -> bool:
    if by_inode and (file.device, file.inode) != (position.device, position.inode):
        return False
    try:
        return file.is_same(position) and (file.zipped or file.size() >= position.offset)
    except SourceFormatError:
        return False
