"""A folder of finished log files, plain or gzip, such as a synchronised bucket: each is counted once."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from exporters.cdn.counting import MAX_LINE_BYTES, ChunkCounter
from exporters.cdn.ledger import Ledger
from exporters.cdn.sources.files import HEAD_BYTES, LogFile, Position, open_log
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import Clock
from exporters.errors import SourceFormatError
from exporters.loop import Loop

log = logging.getLogger(__name__)
LOOK_SECONDS = 2.0
STILL_SECONDS = 2.0
"""how old a file's last change must be: until then it may still be written"""


class LogFolder(Loop):
    """A worker that counts files that match a pattern. The checkpoint knows a file by name and first bytes.

    A file that has been counted is forgotten when it is removed; one whose content begins otherwise is a new one.
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
        self._done: dict[str, float] = {}
        """file name → when it was last changed, for the files that have been counted"""

    def take_turn(self) -> float:
        self.turn()
        return LOOK_SECONDS

    def turn(self) -> None:
        """Count the files that are new, oldest first."""
        names = []
        for path in self._folder.glob(self._pattern):
            try:
                changed = path.stat().st_mtime
            except OSError:  # removed while we look
                continue
            names.append(path.name)
            if self._done.get(path.name) != changed and self._now() - changed >= STILL_SECONDS:
                self._read(path, changed)
        for name in self._done.keys() - set(names):
            del self._done[name]
            self._ledger.checkpoint.remove_position(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._tally.identity.name}:{name}"

    def _read(self, path: Path, changed: float) -> None:
        file = open_log(path)
        if file is None:
            return
        try:
            position = file.start()
            stored = self._ledger.position(self._key(path.name))
            if stored is not None and file.is_same(Position.from_json(stored)):
                position = Position.from_json(stored)
            self._counter.begin(file.read(0, HEAD_BYTES))
            self._read_from(file, position)
        except SourceFormatError as error:
            log.error("%s; its rest is left out", error)
            self._tally.refuse("parse_error")
        finally:
            file.close()
        if not self.stopping.is_set():
            self._done[path.name] = changed

    def _read_from(self, file: LogFile, position: Position) -> None:
        while not self.stopping.is_set() and (data := file.read(position.offset, MAX_LINE_BYTES)):
            end = data.rfind(b"\n") + 1
            lines, size = data[:end], end
            if not end and len(data) >= MAX_LINE_BYTES:
                self._tally.refuse("oversized")
                size = len(data)
            elif not end:  # the last line may lack its newline
                lines, size = data + b"\n", len(data)
            position = position.moved(position.offset + size)
            with self._ledger.lock:
                if lines:
                    self._counter.take(lines)
                self._ledger.move(self._key(file.path.name), position.to_json())
            if self._ledger.is_full():
                self._ledger.commit()
