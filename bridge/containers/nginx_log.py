"""The log of a local media server: nginx's lines with their time, in bounded memory."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from bridge.containers.model import LogLine

LINE = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.*)")
TAIL_BYTES = 1 << 20


def read_log(path: Path, lines: int) -> tuple[LogLine, ...]:
    """The last lines, oldest first; a line without a time of its own has that of the file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode(errors="replace")
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return ()
    return tuple(_line(line, changed) for line in text.splitlines()[-lines:])


def _line(line: str, changed: datetime) -> LogLine:
    found = LINE.fullmatch(line)
    if found is None:
        return LogLine(_text(changed), line)
    return LogLine(_text(datetime.strptime(found[1], "%Y/%m/%d %H:%M:%S").astimezone(UTC)), found[2])


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
