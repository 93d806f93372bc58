"""Log files and how to know them again: device and inode, and a digest of their first bytes."""

from __future__ import annotations

import gzip
import hashlib
import logging
import os
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from glob import escape as glob_escape
from pathlib import Path
from typing import Any, NamedTuple

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.errors import SourceFormatError

log = logging.getLogger(__name__)
MARK_BYTES = 512
HEAD_BYTES = 4 << 10
"""what a format's header, where logs have one, is looked for in"""
ROTATED = re.compile(r"[.-]\d[\dT:._-]*(\.gz)?")
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file has been counted.

    ``skipping`` says that the offset is within a line too long to be one, ``broken`` that the file cannot be read
    further. ``changed`` is when the file had been written last, 0 where that is not known.
    """

    device: int
    inode: int
    mark_bytes: int
    mark: str
    offset: int = 0
    skipping: bool = False
    broken: bool = False
    changed: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Position:
        return cls(**stored)

    def moved(self, offset: int, skipping: bool = False) -> Position:
        return replace(self, offset=offset, skipping=skipping, broken=False)


class Piece(NamedTuple):
    """Whole lines to be counted, the position after them, and whether a line that is too long begins there."""

    lines: bytes
    position: Position
    oversized: bool = False


def cut(data: bytes, position: Position, finished: bool) -> Piece | None:
    """What of the bytes at a position is to be counted; None while there is no whole line.

    In a finished file the last line may lack its newline.
    """
    offset = position.offset
    if not data:
        return None
    if position.skipping:
        end = data.find(b"\n") + 1
        return Piece(b"", position.moved(offset + (end or len(data)), skipping=not end))
    end = data.rfind(b"\n") + 1
    if end:
        return Piece(data[:end], position.moved(offset + end))
    if len(data) >= MAX_LINE_BYTES:
        return Piece(b"", position.moved(offset + len(data), skipping=True), oversized=True)
    return Piece(data + b"\n", position.moved(offset + len(data))) if finished else None


class LogFile:
    """An open log file, plain or gzip; offsets are of the uncompressed text."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw = path.open("rb", buffering=0)  # a buffer would show what a truncated file held before
        self.zipped = self._raw.read(2) == GZIP_MAGIC
        self._raw.seek(0)
        self._gzip = gzip.GzipFile(fileobj=self._raw, mode="rb") if self.zipped else None
        stat = os.fstat(self._raw.fileno())
        self.device, self.inode = stat.st_dev, stat.st_ino

    def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``.

        Of a broken gzip file, the whole lines before it breaks; raises SourceFormatError when there are none.
        """
        file = self._gzip or self._raw
        data = b""
        try:
            if file.tell() != offset:
                file.seek(offset)
            if self._gzip is None:
                return self._raw.read(size)
            while len(data) < size and (part := self._gzip.read1(size - len(data))):
                data += part
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            data = data[: data.rfind(b"\n") + 1]
            if not data:
                raise SourceFormatError(f"{self.path} is a broken gzip file: {error}") from error
        return data

    def header(self) -> bytes:
        """What a format's header is looked for in; nothing where it cannot be read."""
        try:
            return self.read(0, HEAD_BYTES)
        except SourceFormatError:
            return b""

    def changed(self) -> float:
        """When it was written last, as it is now."""
        return os.fstat(self._raw.fileno()).st_mtime

    def size(self) -> int:
        """Size on disk, as it is now."""
        return os.fstat(self._raw.fileno()).st_size

    def start(self) -> Position:
        """The position at the file's beginning."""
        head = self._head(MARK_BYTES)
        return Position(self.device, self.inode, len(head), digest(head), changed=self.changed())

    def marked(self, position: Position) -> Position:
        """The position in this file with a mark of all that it can be known by: none without a first line."""
        head = self._head(min(MARK_BYTES, max(position.mark_bytes, position.offset)))
        mark = head if _is_known_by(head) else b""
        return replace(position, mark_bytes=len(mark), mark=digest(mark))

    def is_begun(self) -> bool:
        """Whether it has a first line, or enough of one, to be known by."""
        return _is_known_by(self._head(MARK_BYTES))

    def has_text(self) -> bool:
        """Whether it has anything to be read; not while gzip is still writing its beginning."""
        try:
            return bool(self._head(MARK_BYTES))
        except SourceFormatError:
            return False

    def is_same(self, position: Position) -> bool:
        """Whether this file begins as the one of the position did."""
        return digest(self._head(position.mark_bytes)) == position.mark

    def _head(self, size: int) -> bytes:
        if not self.zipped:
            return os.pread(self._raw.fileno(), size, 0)
        head = self.read(0, size)
        if len(head) < size:
            self.read(len(head), 1)  # raises where the file breaks before its end
        return head

    def close(self) -> None:
        if self._gzip is not None:
            self._gzip.close()
        self._raw.close()


class Sight:
    """Opens the files of a source, and says once when one cannot be read, and once when it can be again.

    Only ``place``, the log or folder of the setting, is waited for; others may be removed by rotation.
    """

    def __init__(self, source: str, place: Path) -> None:
        self._source = source
        self._place = place
        self._lost: dict[Path, str] = {}

    def open(self, path: Path) -> LogFile | None:
        """The file, or None while there is none that can be read."""
        try:
            file = LogFile(path)
        except OSError as error:
            self.lose(path, error)
            return None
        self.find(path)
        return file

    def lose(self, path: Path, error: OSError) -> None:
        """Note that a file or folder cannot be read."""
        missing = isinstance(error, FileNotFoundError)
        if missing and path != self._place:
            return
        reason = error.strerror or str(error)
        if self._lost.get(path) != reason:
            self._lost[path] = reason
            log.warning("%s: %s %s: %s", self._source, "waits for" if missing else "cannot read", path, reason)

    def find(self, path: Path) -> None:
        """Note that it can be read."""
        if self._lost.pop(path, None) is not None:
            log.info("%s: can read %s now", self._source, path)


def _is_known_by(head: bytes) -> bool:
    """Whether first bytes are enough to know a file by; all lines of a format may begin alike."""
    return len(head) == MARK_BYTES or b"\n" in head


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


def holder(path: Path, position: Position, sight: Sight) -> tuple[LogFile, bool] | None:
    """The open file that the position is in, and whether it is a rotated one; None when it is gone.

    A file is known by inode and first bytes, else by first bytes alone.
    """
    for by_inode in (True, False):
        for candidate in (path, *rotated_copies(path)):
            file = sight.open(candidate)
            if file is not None and _holds(file, position, by_inode):
                return file, candidate != path
            if file is not None:
                file.close()
    return None


def successor(path: Path, position: Position, sight: Sight) -> tuple[LogFile, bool] | None:
    """The open file that was written after the rotated one of the position, and whether it is a rotated one too.

    None while there is none yet that would be known again after the next rotation; files without text are passed over.
    ``path`` is opened before rotated files are looked for: should it be rotated in between, it is found among them.
    """
    current = sight.open(path)
    newer = _newer(rotated_copies(path), position, sight)
    if newer is None and current is not None and current.is_begun():
        return current, False
    if current is not None:
        current.close()
    return None if newer is None else (newer, True)


def _newer(copies: list[Path], position: Position, sight: Sight) -> LogFile | None:
    """The first file after that of the position which is not the same again, such as its gzip.

    Where the position's file is gone, the first one that was written after it.
    """
    passed = False
    for by_inode in (True, False):
        for copy in copies:
            file = sight.open(copy)
            if file is None:
                continue
            if _holds(file, position, by_inode) or (passed and _holds(file, position, by_inode=False)):
                passed = True
            elif passed and file.has_text():
                return file
            file.close()
        if passed:
            return None
    return _changed_after(copies, position, sight) if position.changed else None


def _changed_after(copies: list[Path], position: Position, sight: Sight) -> LogFile | None:
    for copy in copies:
        if copy.suffix == ".gz" and copy.with_suffix("") in copies:  # gzip may still write it, which makes it look new
            continue
        file = sight.open(copy)
        if file is not None and file.changed() > position.changed and file.has_text():
            return file
        if file is not None:
            file.close()
    return None


def _holds(file: LogFile, position: Position, by_inode: bool) -> bool:
    if by_inode and (file.device, file.inode) != (position.device, position.inode):
        return False
    if not position.mark_bytes:  # every file begins with nothing, and inodes are used again
        return by_inode and file.changed() == position.changed
    try:
        return file.is_same(position) and (file.zipped or file.size() >= position.offset)
    except SourceFormatError:
        return False
