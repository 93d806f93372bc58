"""Requests of one stream to one endpoint, each counted and timed in the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from exporters import metrics
from exporters.errors import SourceUnreachableError
from exporters.hls.fetching import NO_HEADERS, Answer, Fetcher, without_query
from exporters.hls.tables import HlsTables
from exporters.hls.targets import Target

CACHE_WORDS = re.compile(
    r"(?<![a-z])(refresh_?hit|hit|miss|expired|stale|updating|revalidated|bypass|dynamic|pass|error)(?![a-z])"
)
CACHE_STATES = {
    "refreshhit": "revalidated",
    "refresh_hit": "revalidated",
    "hit": "hit",
    "miss": "miss",
    "expired": "miss",
    "stale": "stale",
    "updating": "stale",
    "revalidated": "revalidated",
    "bypass": "bypass",
    "dynamic": "bypass",
    "pass": "bypass",
    "error": "error",
}
PLAYLISTS = ("multivariant", "media")
"""kinds whose body is read; of others only the size counts"""
CACHE_HEADERS = ("X-Cache", "CF-Cache-Status", "X-Cache-Status", "Cache-Status", "X-Proxy-Cache")


class StatusError(SourceUnreachableError):
    """An answer whose status is an error; reasons http_3xx, http_4xx, http_5xx."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{without_query(answer.url)}: status {answer.status}", f"http_{code_class(answer.status)}")
        self.status = answer.status


class Exchange:
    """Fetches for one target and keeps its request families."""

    def __init__(self, target: Target, fetcher: Fetcher, tables: HlsTables, timeout_seconds: float) -> None:
        self.target = target
        self.timeout_seconds = timeout_seconds
        self._fetcher = fetcher
        self._tables = tables
        self._headers = dict(target.headers)

    async def get(
        self,
        kind: str,
        url: str,
        headers: Mapping[str, str] = NO_HEADERS,
        timeout_seconds: float | None = None,
        held: bool = False,
    ) -> Answer:
        """Fetch a ``kind`` (multivariant, media, segment, part, …); ``held`` answers are slow by design, not timed.

        Raises SourceUnreachableError by reason, StatusError for a status of 400 and above.
        """
        try:
            answer = await self._fetch(url, headers, timeout_seconds, kind in PLAYLISTS)
        except SourceUnreachableError as error:
            self.failed(kind, error.reason)
            raise
        stream, endpoint = self.target.stream, self.target.endpoint
        self._tables[metrics.HLS_FETCHES].add(1, stream, endpoint, kind, code_class(answer.status))
        if not held:
            self._tables.histogram(metrics.HLS_FETCH_DURATION).observe(answer.seconds, endpoint, kind)
            self._tables.histogram(metrics.HLS_TTFB).observe(answer.first_byte_seconds, endpoint, kind)
        self._tables[metrics.HLS_EDGE_CACHE].add(1, endpoint, kind, cache_state(answer.headers))
        if answer.status >= 300 and answer.status != 304:
            self.failed(kind, f"http_{code_class(answer.status)}")
            raise StatusError(answer)
        return answer

    async def probe(self, url: str) -> Answer:
        """Fetch something whose right answer is an error, so that it is not counted; raises as ``get`` does."""
        answer = await self._fetch(url, NO_HEADERS, None, False)
        if answer.status >= 300:
            raise StatusError(answer)
        return answer

    def failed(self, kind: str, reason: str) -> None:
        """Count a failure; what could be fetched but not read is reported here by the reader, as ``parse``."""
        self._tables[metrics.HLS_FETCH_ERRORS].add(1, self.target.stream, self.target.endpoint, kind, reason)

    async def _fetch(
        self, url: str, headers: Mapping[str, str], timeout_seconds: float | None, keep_body: bool
    ) -> Answer:
        both = {**self._headers, **headers}
        return await self._fetcher.get(url, timeout_seconds or self.timeout_seconds, both, keep_body)


def code_class(status: int) -> str:
    """1xx to 5xx; what is outside of that is an invalid answer, which counts as 5xx (RFC 9110 §15)."""
    return f"{status // 100}xx" if 100 <= status < 600 else "5xx"


def cache_state(headers: Mapping[str, str]) -> str:
    """hit, miss, stale, revalidated, bypass, error or none, by the headers that caches add.

    Where several caches wrote one header, the last word is that of the one nearest to us.
    """
    for name in CACHE_HEADERS:
        found = CACHE_WORDS.findall(headers.get(name, "").lower())
        if found:
            return CACHE_STATES[found[-1]]
    age = headers.get("Age", "")
    return "hit" if age.isdecimal() and age != "0" else "none"
