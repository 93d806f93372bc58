"""Lines at the end of a file, whole or not at all: a full disk takes the beginning of one."""

from __future__ import annotations

import errno
from io import FileIO


def append_whole(file: FileIO, line: bytes) -> None:
    """Append ``line`` to an unbuffered file opened for appending; raises OSError when it had no room for all of it."""
    written = file.write(line) or 0
    if written < len(line):
        file.truncate(file.tell() - written)
        raise OSError(errno.ENOSPC, "no room for a whole line")
