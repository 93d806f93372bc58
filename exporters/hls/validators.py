"""Conditional requests that cannot miss a change: validators are sent back only once they can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from exporters.hls.exchange import CACHE_HEADERS
from exporters.hls.fetching import NO_HEADERS

SETTLED_SECONDS = 2.0


def conditional_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """If-None-Match and If-Modified-Since for the next request, from an answer's headers.

    A file written twice in one second keeps its Last-Modified (RFC 9110 §8.8.2.2), and servers such as nginx make the
    ETag from it, so both are used only when the modification was well before the answer.
    """
    modified, tag = headers.get("Last-Modified"), headers.get("ETag")
    if modified is not None:
        try:
            age = (parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)).total_seconds()
        except (TypeError, ValueError):
            return NO_HEADERS
        if age < SETTLED_SECONDS:
            return NO_HEADERS
    found = {}
    if tag:
        found["If-None-Match"] = tag
    if modified:
        found["If-Modified-Since"] = modified
    return found


def cache_seconds(headers: Mapping[str, str]) -> float:
    """How long a cache on the way may have kept the answer: its ``max-age``, or 0 where no cache shows itself."""
    if not any(name in headers for name in ("Age", *CACHE_HEADERS)):
        return 0.0
    for part in headers.get("Cache-Control", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() in ("max-age", "s-maxage") and value.isdecimal():
            return min(float(value), 60.0)
    return 0.0
