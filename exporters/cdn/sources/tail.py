"""A log file that is followed while it is written, through rotation by renaming, copying and truncating, and gzip."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from exporters.cdn.counting import MAX_LINE_BYTES, ChunkCounter
from exporters.cdn.ledger import Ledger
from exporters.cdn.sources.files import MARK_BYTES, LogFile, Piece, Position, Sight, cut, holder, successor
from exporters.cdn.tally import SourceTally
from exporters.errors import SourceFormatError
from exporters.loop import Loop

log = logging.getLogger(__name__)
POLL_SECONDS = 0.1
ROTATION_GRACE_SECONDS = 2.0
"""how long a renamed file must stand still before it is left, because its writers reopen a moment later"""


class LogTail(Loop):
    """A worker that counts a log file as it grows. A line is counted when its newline has been written.

    After a restart it goes on where the checkpoint says, in the rotated files if need be, found by their first bytes.
    """

    def __init__(
        self,
        path: Path,
        tally: SourceTally,
        counter: ChunkCounter,
        ledger: Ledger,
        *,
        from_end: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(f"tail-{tally.identity.name}")
        self._path = path
        self._tally = tally
        self._counter = counter
        self._ledger = ledger
        self._from_end = from_end
        self._monotonic = monotonic
        self._name = tally.identity.name
        self._sight = Sight(self._name, path)
        self._file: LogFile | None = None
        self._position = Position(0, 0, 0, "")
        self._rotated = False
        """whether the present file has been rotated and will not grow any more"""
        self._still_since: float | None = None

    def stop(self) -> None:
        super().stop()
        self._close()

    def take_turn(self) -> float:
        return 0.0 if self.turn() else POLL_SECONDS

    def turn(self) -> bool:
        """Count one chunk, or see whether the file was rotated; true when there was something to do."""
        if self._file is None:
            return self._begin()
        if not self._ledger.make_room():
            return False
        if self._position.broken and self._position.changed == self._file.changed():
            return self._go_on()
        try:
            data = self._file.read(self._position.offset, MAX_LINE_BYTES)
        except SourceFormatError as error:
            self._leave_rest(error)
            return self._go_on()
        if self._truncated(self._file):
            log.info("%s was truncated; going on at its beginning", self._path)
            return self._resume()
        piece = cut(data, self._position, self._rotated)
        if piece is None:
            return self._go_on()
        self._take(piece)
        self._still_since = None
        return True

    def _take(self, piece: Piece) -> None:
        with self._ledger.lock:
            if piece.lines:
                self._counter.take(piece.lines)
            self._move(piece.position)
            if piece.oversized:
                self._tally.refuse("oversized")

    def _leave_rest(self, error: SourceFormatError) -> None:
        """Note that the present file cannot be read further; it is counted once."""
        with self._ledger.lock:
            if not self._position.broken:
                log.error("%s; its rest is left out", error)
                self._tally.refuse("parse_error")
            self._move(replace(self._position, broken=True))

    def _move(self, position: Position) -> None:
        """Note the position; a file that was too short to be known by its first bytes is marked anew."""
        if self._file is not None:
            if position.mark_bytes < MARK_BYTES:
                position = self._file.marked(position)
            position = replace(position, changed=self._file.changed())
        self._position = position
        self._ledger.move(self._name, position.to_json())
        self._ledger.tables.offset.set(position.offset, self._name)
        if self._file is not None and not self._file.zipped:
            self._ledger.tables.backlog.set(max(0, self._file.size() - position.offset), self._name)

    def _truncated(self, file: LogFile) -> bool:
        return not file.zipped and (file.size() < self._position.offset or not file.is_same(self._position))

    def _begin(self) -> bool:
        """Open the file at the stored position, or where a first start begins; false while there is none."""
        stored = self._ledger.position(self._name)
        if stored is not None:
            self._position = Position.from_json(stored)
            return self._resume()
        file = self._sight.open(self._path)
        if file is None or not file.is_begun():
            if file is not None:
                file.close()
            if file is not None or not self._path.is_file():
                self._from_end = False  # what is written later is read from its beginning
            return False
        start = file.start()
        return self._switch(file, False, start.moved(_last_line_end(file)) if self._from_end else start)

    def _resume(self) -> bool:
        """Find the file of the present position, and go on in it."""
        found = holder(self._path, self._position, self._sight)
        if found is not None:
            return self._switch(*found, self._position)
        found = successor(self._path, self._position, self._sight)
        if found is None:
            self._close()
            return False
        words = "%s: the file that was read up to byte %d is gone; going on with %s"
        log.warning(words, self._path, self._position.offset, found[0].path)
        return self._switch(*found, found[0].start())

    def _switch(self, file: LogFile, rotated: bool, position: Position) -> bool:
        """Read this file now."""
        self._close()
        self._file, self._rotated, self._still_since = file, rotated, None
        with self._ledger.lock:
            self._counter.begin(file.header())
            self._move(position)
        return True

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None

    def _go_on(self) -> bool:
        """At the end of a file: go on with the next one, if there is one."""
        if self._rotated:
            found = successor(self._path, self._position, self._sight)
            return found is not None and self._switch(*found, found[0].start())
        if self._is_current():
            return False
        now = self._monotonic()
        if self._still_since is None:
            self._still_since = now
        if now - self._still_since >= ROTATION_GRACE_SECONDS:
            found = successor(self._path, self._position, self._sight)
            if found is not None:
                found[0].close()
                self._rotated = True
        return self._rotated

    def _is_current(self) -> bool:
        """Whether the file that is read is the one that is written."""
        try:
            stat = self._path.stat()
        except OSError:
            return False
        return self._file is not None and (stat.st_dev, stat.st_ino) == (self._file.device, self._file.inode)


def _last_line_end(file: LogFile) -> int:
    """Where the last whole line ends, so that a first start at the end does not begin within a line."""
    size = file.size()
    begin = max(0, size - MAX_LINE_BYTES)
    return begin + file.read(begin, MAX_LINE_BYTES).rfind(b"\n") + 1
