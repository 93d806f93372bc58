"""Keeps a shard through restarts: a checkpoint of its whole state now and then, and the journal since."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from exporters.viewers.broadcast import Broadcast
from exporters.viewers.inputs import ClockSet, Resumed
from exporters.viewers.journal import Journal, journals, read_journal
from exporters.viewers.session import Session
from exporters.viewers.shard import Shard
from exporters.viewers.spool import decode_line, encode_line

log = logging.getLogger(__name__)
PREFIX, SUFFIX = "checkpoint-", ".state"
CHECKPOINT_SECONDS = 60.0
RETRY_SECONDS = 5.0
JOURNAL_BYTES = 64 << 20
SLICE_SESSIONS = 200
VERSION = 1


class Store:
    """Owns the state folder of one shard.

    A checkpoint is one moment's state although sessions change while it is written: what is about to change and is not
    written yet is written first, as the engine tells by ``before_change``.
    """

    def __init__(self, folder: Path, shard: Shard, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._shard = shard
        self._clock = clock
        self._journal = Journal(folder)
        self._saved: list[list[Any]] = []
        self._last = 0.0
        self._failed_at = 0.0
        """when the newest checkpoint failed, or 0 when it did not"""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def open(self) -> None:
        """Bring the shard to where it was, and write down all it takes from now on."""
        number, rows = self._newest_checkpoint()
        if rows:
            self._shard.restore(rows)
        replayed = 0
        for one, path in journals(self._folder):
            if one >= number:
                for inputs in read_journal(path):
                    replayed += len(inputs)
                    for change in inputs:
                        self._shard.apply(change)
                number = one + 1
        self._journal.begin(number)
        self._shard.journal = self._journal.append
        self._shard.engine.before_change = self._save
        now, before = self._clock(), self._shard.engine.now
        if before:
            self._shard.take([Resumed(now, now - before) if now >= before else ClockSet(now, now - before)])
            log.info("state is back: %d sessions, %d inputs replayed", len(self._shard.engine.sessions), replayed)
        self._last = now

    def turn(self) -> None:
        """Write a checkpoint when it is due; one that a full disk refuses is tried again."""
        if not self._is_due():
            return
        try:
            self.checkpoint()
        except OSError as error:
            if not self._failed_at:
                log.error("no checkpoint can be written: %s", error)
            self._failed_at = self._clock()
        else:
            self._failed_at = 0.0

    def _is_due(self) -> bool:
        now = self._clock()
        if self._failed_at and 0 <= now - self._failed_at < RETRY_SECONDS:
            return False
        if self._journal.has_gap or self._journal.bytes >= JOURNAL_BYTES:
            return True
        return not 0 <= now - self._last < CHECKPOINT_SECONDS

    def checkpoint(self) -> None:
        """Write a checkpoint and forget what it makes needless; raises OSError and leaves nothing when it cannot."""
        shard = self._shard
        with shard.lock:
            number = self._journal.number + 1
            self._journal.begin(number)
            has_gap, self._journal.has_gap = self._journal.has_gap, False
            shard.engine.epoch += 1
            self._saved = []
            head = shard.head()
            sessions = list(shard.engine.sessions.values())
            broadcasts = list(shard.engine.broadcasts.values())
        temporary = self._folder / f"{PREFIX}{number:012d}.new"
        try:
            with open(temporary, "wb", opener=_private) as file:
                self._write(file, head, sessions, broadcasts)
            temporary.rename(temporary.with_suffix(SUFFIX))
        except OSError:
            self._journal.has_gap |= has_gap
            temporary.unlink(missing_ok=True)  # the journal needs the room
            raise
        self._last = shard.saved_at = self._clock()
        self._forget_before(number)

    def _write(
        self, file: BinaryIO, head: dict[str, Any], sessions: list[Session], broadcasts: list[Broadcast]
    ) -> None:
        shard = self._shard
        file.write(encode_line({"kind": "head", "version": VERSION, **head}))
        for start in range(0, len(sessions), SLICE_SESSIONS):
            with shard.lock:
                for session in sessions[start : start + SLICE_SESSIONS]:
                    if session.epoch != shard.engine.epoch:
                        self._save(session)
            self._write_saved(file)
        for broadcast in broadcasts:
            with shard.lock:
                row = {"kind": "sketches", "stream": broadcast.stream, "row": broadcast.sketch_state()}
            file.write(encode_line(row))
        self._write_saved(file)
        file.write(encode_line({"kind": "end"}))
        file.flush()
        os.fsync(file.fileno())

    def close(self) -> None:
        """Write all down before an orderly end."""
        try:
            self.checkpoint()
        except OSError as error:
            log.error("no checkpoint can be written, the journal has to do: %s", error)
        self._journal.close()

    def _save(self, session: Session) -> None:
        session.epoch = self._shard.engine.epoch
        self._saved.append(session.dump())

    def _write_saved(self, file: BinaryIO) -> None:
        with self._shard.lock:
            rows, self._saved = self._saved, []
        for row in rows:
            file.write(encode_line({"kind": "session", "row": row}))

    def _newest_checkpoint(self) -> tuple[int, list[dict[str, Any]]]:
        for path in sorted(self._folder.glob(f"{PREFIX}*{SUFFIX}"), reverse=True):
            rows = _read(path)
            if rows is not None:
                return int(path.name[len(PREFIX) : -len(SUFFIX)]), rows
            log.error("%s is damaged or of another version; the one before is used", path.name)
        return 0, []

    def _forget_before(self, number: int) -> None:
        for one, path in journals(self._folder):
            if one < number:
                path.unlink(missing_ok=True)
        for path in [*self._folder.glob(f"{PREFIX}*{SUFFIX}"), *self._folder.glob(f"{PREFIX}*.new")]:
            if path.name != f"{PREFIX}{number:012d}{SUFFIX}":
                path.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _read(path: Path) -> list[dict[str, Any]] | None:
    """The rows of a checkpoint, or None when it is not whole or of another version."""
    rows = []
    with path.open("rb") as file:
        for line in file:
            row = decode_line(line)
            if row is None:
                return None
            rows.append(row)
    whole = rows and rows[0].get("version") == VERSION and rows[-1]["kind"] == "end"
    return rows if whole else None
