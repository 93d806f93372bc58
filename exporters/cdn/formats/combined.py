"""nginx and Apache "combined" text logs: no times, no cache state, but everybody has them.

``203.0.113.7 - - [23/Nov/2026:09:15:19 +0000] "GET /hls/demo.m3u8 HTTP/1.1" 200 194 "-" "curl/7.88.1"``
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from exporters.cdn.formats.values import as_whole, query_cmcd, text, url_parts
from exporters.cdn.records import LogRecord, make_facts
from exporters.errors import SourceFormatError

QUOTED = r'"((?:[^"\\]|\\.)*+)"'
LINE = re.compile(
    rf"(\S{{1,64}}) \S+ .{{1,256}}? \[([^\]]{{20,32}})\] {QUOTED} ([0-9]{{3}}) ([0-9]{{1,15}}|-)(?: {QUOTED} {QUOTED})?"
)


class CombinedParser:
    """Reads combined lines; what follows the user agent is tolerated. Bytes are those of the body."""

    cdn = "nginx"

    def begin(self, head: bytes) -> None:
        """Nothing: these logs have no header."""

    def parse(self, line: bytes) -> LogRecord:
        """Read one line; raises SourceFormatError when it is no record."""
        found = LINE.match(line.decode("utf-8", "replace"))
        if found is None:
            raise SourceFormatError("not a combined line")
        address, at, request, status, size, _, agent = found.groups()
        _, _, rest = request.partition(" ")
        url, _, protocol = rest.rpartition(" ")
        if not protocol.startswith("HTTP/"):  # HTTP/0.9 names none
            url, protocol = rest, ""
        path, query = url_parts(url)
        return LogRecord(
            time=local_time(at),
            facts=make_facts(status, "none", protocol),
            path=path,
            bytes=as_whole(size, "bytes", 0),
            address=address,
            user_agent=text(agent),
            cmcd=query_cmcd(query),
        )


@lru_cache(maxsize=1024)
def local_time(at: str) -> float:
    """Unix seconds of ``23/Nov/2026:09:15:19 +0000``; raises SourceFormatError when it is no time."""
    try:
        return datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z").timestamp()
    except (ValueError, OverflowError) as error:
        raise SourceFormatError(f"{at!r} is no time") from error
