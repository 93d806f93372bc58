"""How chunks of log lines are counted: line by line with a format's parser, each record once."""

from __future__ import annotations

import logging
from typing import Protocol

from exporters.cdn.records import LogRecord
from exporters.cdn.tally import SourceTally
from exporters.recent import RecentKeys

log = logging.getLogger(__name__)
MAX_LINE_BYTES = 64 << 10
"""The longest line that is read as one, whatever it comes by; logs are read in chunks of this size."""


class LineParser(Protocol):
    """Reads lines of one vendor's format. ``begin`` gets the first bytes of each log, where some have a header."""

    cdn: str

    def begin(self, head: bytes) -> None: ...

    def parse(self, line: bytes) -> LogRecord | None:
        """One record, or None for a line that is not to be counted; raises SourceFormatError when it is no record.

        Whatever else it raises is its own mistake, and refuses that line as well: the lines before it are counted
        already, and would be again if the chunk were given up.
        """


class ChunkCounter(Protocol):
    """Counts chunks of whole lines."""

    def begin(self, head: bytes) -> None: ...

    def take(self, chunk: bytes) -> None: ...


class LineCounter:
    """Counts each line that a parser can read, and counts those that it cannot as refused."""

    def __init__(self, tally: SourceTally, parser: LineParser, recent: RecentKeys | None = None) -> None:
        self._tally = tally
        self._parser = parser
        self._recent = recent

    def begin(self, head: bytes) -> None:
        """Let the parser see a log's head; lines that it then cannot read are counted as such."""
        try:
            self._parser.begin(head)
        except Exception:
            log.exception("the head of a log of %s cannot be read", self._tally.identity.name)

    def take(self, chunk: bytes) -> None:
        """Count a chunk of whole lines."""
        tally, parse, recent = self._tally, self._parser.parse, self._recent
        for line in chunk.split(b"\n"):
            if not line or line.isspace():
                continue
            try:
                record = parse(line)
            except Exception:
                tally.refuse("parse_error")
                continue
            if record is None:
                tally.refuse("filtered")
            elif recent is not None and record.request_id and recent.is_repeat(hash(record.request_id)):
                tally.refuse("duplicate")
            else:
                tally.count(record)
        tally.bound()
