"""A folder of finished log files, plain or gzip, such as a synchronised bucket: each is counted once."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable, Set
from dataclasses import replace
from fnmatch import filter as matching
from operator import itemgetter
from pathlib import Path

from exporters.cdn.counting import MAX_LINE_BYTES, ChunkCounter
from exporters.cdn.ledger import Ledger
from exporters.cdn.sources.files import LogFile, Piece, Position, Sight, cut, digest
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import Clock
from exporters.errors import SourceFormatError
from exporters.loop import Loop

log = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
STILL_SECONDS = 2.0
"""how old a file's last change must be: until then it may still be written"""
FORGET_SECONDS = 90.0
"""how long a file must have been missing before it is forgotten, because folders of other machines come and go"""


class LogFolder(Loop):
    """A worker that counts files that match a pattern. The checkpoint knows a file by name and first bytes.

    A file that has been counted is forgotten some time after it was removed, but not while the folder is away or empty,
    as an unmounted one is. A file whose content begins otherwise is a new one.
    """

    def __init__(
        self, pattern: Path, tally: SourceTally, counter: ChunkCounter, ledger: Ledger, now: Clock = time.time
    ) -> None:
        super().__init__(f"folder-{tally.identity.name}")
        self._folder, self._pattern = pattern.parent, pattern.name
        self._tally = tally
        self._counter = counter
        self._ledger = ledger
        self._now = now
        self._sight = Sight(tally.identity.name, self._folder)
        self._done: dict[str, float] = {}
        """file name → when it was last changed, for the files that have been counted"""
        self._missing: dict[str, float] = {}
        """file name → since when it is missing, for those of them that are"""

    def take_turn(self) -> float:
        self.turn()
        return LOOK_SECONDS

    def turn(self) -> None:
        """Count the files that are new, oldest first."""
        try:
            names = os.listdir(self._folder)
        except OSError as error:
            self._sight.lose(self._folder, error)
            self._missing.clear()
            return
        self._sight.find(self._folder)
        found = self._changes(matching(names, self._pattern))
        for name, changed in sorted(found.items(), key=itemgetter(1, 0)):
            if self._done.get(name) != changed and self._now() - changed >= STILL_SECONDS:
                self._read(self._folder / name, changed)
        self._forget(self._done.keys() - found.keys() if names else set())

    def _changes(self, names: Iterable[str]) -> dict[str, float]:
        """When each of these files was last changed."""
        changes = {}
        for name in names:
            try:
                changes[name] = (self._folder / name).stat().st_mtime
            except OSError:  # removed while we look
                continue
        return changes

    def _forget(self, missing: Set[str]) -> None:
        """Forget those of the missing files that have been missing long enough."""
        now = self._now()
        self._missing = {name: self._missing.get(name, now) for name in missing}
        for name, since in list(self._missing.items()):
            if now - since > FORGET_SECONDS:
                del self._done[name], self._missing[name]
                self._ledger.checkpoint.remove_position(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._tally.identity.name}:{name}"

    def _read(self, path: Path, changed: float) -> None:
        stored = self._ledger.position(self._key(path.name))
        position = None if stored is None else Position.from_json(stored)
        if position is None or not position.broken or position.changed != changed:
            file = self._sight.open(path)
            if file is None:
                return
            try:
                self._read_from(file, position)
            finally:
                file.close()
        if not self.stopping.is_set():
            self._done[path.name] = changed

    def _read_from(self, file: LogFile, stored: Position | None) -> None:
        """Count what the file has after the stored position, or all of it when that is another file's."""
        position = stored or Position(file.device, file.inode, 0, digest(b""))
        try:
            start = file.start()
            if not position.mark_bytes or not file.is_same(position):
                position = start
            self._counter.begin(file.header())
            while not self.stopping.is_set() and (piece := self._next(file, position)):
                position = piece.position
                self._take(file, piece)
        except SourceFormatError as error:
            self._leave_rest(file, position, error)

    def _next(self, file: LogFile, position: Position) -> Piece | None:
        return cut(file.read(position.offset, MAX_LINE_BYTES), position, finished=True)

    def _take(self, file: LogFile, piece: Piece) -> None:
        with self._ledger.lock:
            if piece.lines:
                self._counter.take(piece.lines)
            self._ledger.move(self._key(file.path.name), piece.position.to_json())
            if piece.oversized:
                self._tally.refuse("oversized")
        if self._ledger.is_full():
            self._ledger.commit()

    def _leave_rest(self, file: LogFile, position: Position, error: SourceFormatError) -> None:
        """Note that a file cannot be read further as it is; it is counted once."""
        left = replace(position, broken=True, changed=file.changed())
        with self._ledger.lock:
            if not position.broken:
                log.error("%s; its rest is left out", error)
                self._tally.refuse("parse_error")
            self._ledger.move(self._key(file.path.name), left.to_json())
