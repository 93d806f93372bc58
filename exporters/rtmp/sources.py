"""What one round of requests to a media server gives, and the round of nginx-rtmp, which may have several workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from exporters.errors import SourceError
from exporters.rtmp.fetch import Fetch
from exporters.rtmp.model import ServerReading
from exporters.rtmp.nginx_rtmp import parse_stat

ATTEMPTS_A_WORKER = 4


class Source(Protocol):
    """Reads a media server once: one reading a process; raises SourceError."""

    def read(self) -> tuple[ServerReading, ...]: ...


class NginxSource:
    """Reads nginx-rtmp statistics of every worker.

    Where each worker has a listener of its own, one request each does. Where ``workers`` share one, whichever takes the
    connection answers, so it is asked until all have been seen or a fair number of attempts is spent. Of several
    listeners some may fail: the others' workers are still read.
    """

    def __init__(
        self,
        urls: tuple[str, ...],
        fetch: Fetch,
        workers: int = 1,
        parse: Callable[[bytes], ServerReading] = parse_stat,
    ) -> None:
        self._urls = urls
        self._fetch = fetch
        self._workers = workers
        self._parse = parse

    def read(self) -> tuple[ServerReading, ...]:
        seen: dict[str, ServerReading] = {}
        failure: SourceError | None = None
        for url in self._urls:
            try:
                reading = self._parse(self._fetch(url))
                seen[reading.epoch] = reading
            except SourceError as error:
                failure = error
        if failure is not None and not seen:
            raise failure
        attempts = ATTEMPTS_A_WORKER * self._workers if len(self._urls) == 1 else 0
        while len(seen) < self._workers and attempts:
            attempts -= 1
            reading = self._parse(self._fetch(self._urls[0]))
            seen[reading.epoch] = reading
        return tuple(seen.values())
