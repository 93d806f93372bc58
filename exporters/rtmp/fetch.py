"""Fetching of status pages: short time limits, a size cap, and errors with an enumerable reason."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests
from urllib3.exceptions import ReadTimeoutError

from exporters.errors import SourceError, SourceUnreachableError

MAX_ANSWER_BYTES = 32 << 20
CHUNK_BYTES = 1 << 16

Fetch = Callable[[str], bytes]
"""Gives the body behind a URL; raises SourceError."""


class NotFoundError(SourceUnreachableError):
    """The server has nothing at this address."""


class HttpFetch:
    """Fetches by HTTP with a deadline for the whole answer, not for each read alone.

    With ``fresh`` every request opens a connection of its own, which lets a server of several processes answer with
    another of them.
    """

    def __init__(
        self,
        timeout_seconds: float = 3.0,
        max_bytes: int = MAX_ANSWER_BYTES,
        fresh: bool = False,
        authorization: str = "",
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._session = requests.Session()
        self._session.trust_env = False
        if fresh:
            self._session.headers["Connection"] = "close"
        if authorization:
            self._session.headers["Authorization"] = authorization

    def __call__(self, url: str) -> bytes:
        """The body; raises SourceUnreachableError, or SourceError with reason ``size``."""
        deadline = time.monotonic() + self._timeout_seconds
        try:
            with self._session.get(url, timeout=self._timeout_seconds, stream=True) as answer:
                if answer.status_code in (401, 403):
                    raise SourceUnreachableError(f"HTTP {answer.status_code}", "auth")
                if answer.status_code == 404:
                    raise NotFoundError("HTTP 404", "http")
                if answer.status_code != 200:
                    raise SourceUnreachableError(f"HTTP {answer.status_code}", "http")
                return self._body(answer, deadline)
        except requests.Timeout as error:
            raise SourceUnreachableError(f"no answer within {self._timeout_seconds:g} s", "timeout") from error
        except requests.RequestException as error:
            if error.args and isinstance(error.args[0], ReadTimeoutError):  # while the body was read
                raise SourceUnreachableError(f"no answer within {self._timeout_seconds:g} s", "timeout") from error
            raise SourceUnreachableError(f"no connection: {type(error).__name__}", "connect") from error

    def _body(self, answer: requests.Response, deadline: float) -> bytes:
        chunks, size = [], 0
        for chunk in answer.iter_content(CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_bytes:
                raise SourceError(f"answer over {self._max_bytes} bytes", "size")
            if time.monotonic() > deadline:
                raise SourceUnreachableError(f"answer not whole within {self._timeout_seconds:g} s", "timeout")
        return b"".join(chunks)
