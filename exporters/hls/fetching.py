"""Fetching over HTTP from one event loop: timed, size-capped, with redirects, and failures told apart by reason."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import aiohttp
from yarl import URL

from exporters.errors import SourceUnreachableError

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_REDIRECTS = 5
CHUNK_BYTES = 1 << 16
MAX_KEPT_BYTES = 8 << 20
MAX_BYTES = 256 << 20
WRITTEN = re.compile(r"[!-~]+")
"""printable ASCII: what may go out as it is"""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: where it came from after redirects, and how long it took; header names in any case."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int
    """bytes of the body, also where it was not kept"""
    first_byte_seconds: float
    """time until the header had arrived, redirects included"""
    seconds: float
    body_seconds: float = 0.0
    longest_pause_seconds: float = 0.0
    """the longest wait between two pieces of the body"""


class Fetcher(Protocol):
    """Gets a URL; raises SourceUnreachableError with a reason: dns, connect, tls, timeout, truncated, http_3xx."""

    async def get(
        self,
        url: str,
        timeout_seconds: float,
        headers: Mapping[str, str] = NO_HEADERS,
        keep_body: bool = True,
    ) -> Answer: ...


class HttpFetcher:
    """Fetches with a pool of kept connections; use it inside the event loop that made it, and close it there."""

    def __init__(self, user_agent: str, connections: int = 1000) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ttl_dns_cache=30, keepalive_timeout=30),
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
            requote_redirect_url=False,
        )

    async def get(
        self,
        url: str,
        timeout_seconds: float,
        headers: Mapping[str, str] = NO_HEADERS,
        keep_body: bool = True,
    ) -> Answer:
        timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        begun = time.monotonic()
        try:
            async with self._session.get(
                exact_url(url), headers=headers, timeout=timeout, max_redirects=MAX_REDIRECTS
            ) as response:
                headed = time.monotonic()
                body, size, pause = await _read(response, keep_body)
                done = time.monotonic()
                return Answer(
                    str(response.url),
                    response.status,
                    response.headers,
                    body,
                    size,
                    headed - begun,
                    done - begun,
                    done - headed,
                    pause,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SourceUnreachableError(f"{without_query(url)}: {describe(error)}", reason_of(error)) from error

    async def close(self) -> None:
        await self._session.close()
        await asyncio.sleep(0)  # lets transports that were closed go away before the loop does


def exact_url(url: str) -> URL:
    """The URL as it is written, because a signature may cover every byte; quoted only where it must be."""
    return URL(url, encoded=WRITTEN.fullmatch(url) is not None)


def without_query(url: str) -> str:
    """The URL as it may be logged: queries hold tokens."""
    return url.partition("?")[0]


async def _read(response: aiohttp.ClientResponse, keep: bool) -> tuple[bytes, int, float]:
    """The body where it is kept, its size, and the longest pause in it; raises ClientPayloadError when too large."""
    small = response.content_length is not None and response.content_length < CHUNK_BYTES
    if small and keep and "Content-Encoding" not in response.headers:
        body = await response.read()
        return body, len(body), 0.0
    limit = MAX_KEPT_BYTES if keep else MAX_BYTES
    pieces, size, pause, last = [], 0, 0.0, time.monotonic()
    async for piece in response.content.iter_chunked(CHUNK_BYTES):
        now = time.monotonic()
        pause, last = max(pause, now - last), now
        size += len(piece)
        if size > limit:
            raise aiohttp.ClientPayloadError(f"over {limit} bytes")
        if keep:
            pieces.append(piece)
    return b"".join(pieces), size, pause


def reason_of(error: BaseException) -> str:
    """The word for the error label."""
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientSSLError() | aiohttp.ServerFingerprintMismatch():
            return "tls"
        case aiohttp.ClientPayloadError():
            return "truncated"
        case aiohttp.TooManyRedirects():
            return "http_3xx"
        case aiohttp.InvalidURL() | aiohttp.ClientResponseError() | ValueError():
            return "parse"
    return "connect"


def describe(error: BaseException) -> str:
    """A line for people; some of these exceptions have no text of their own."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
