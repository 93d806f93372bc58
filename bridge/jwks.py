"""The public keys of a token issuer: fetched by JWKS URL (RFC 7517), kept through outages, renewed on rotation."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt
import requests
import urllib3

log = logging.getLogger(__name__)
MAX_DOCUMENT_BYTES = 256 << 10
KEY_TYPES = frozenset({"RSA", "EC"})


class KeyServerError(Exception):
    """The key set could not be fetched and no key was kept."""


def fetch_document(url: str) -> bytes:
    """The key set document; raises requests.RequestException or urllib3's HTTPError."""
    with requests.get(url, timeout=5, stream=True) as answer:
        answer.raise_for_status()
        return answer.raw.read(MAX_DOCUMENT_BYTES + 1, decode_content=True) or b""


def parse_keys(document: bytes) -> dict[str, jwt.PyJWK]:
    """Signing keys by key id; raises ValueError when the document is no key set with at least one of them."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ValueError(f"key set over {MAX_DOCUMENT_BYTES} bytes")
    try:
        rows: Any = json.loads(document)
    except RecursionError as error:
        raise ValueError("a key set that is too deep") from error
    if not isinstance(rows, dict) or not isinstance(rows.get("keys"), list):
        raise ValueError("not a key set")
    keys = {}
    for row in rows["keys"]:
        # Symmetric and encryption keys in the set must never verify a signature.
        if isinstance(row, dict) and str(row.get("kty")) in KEY_TYPES and row.get("use", "sig") == "sig":
            try:
                keys[str(row.get("kid", ""))] = jwt.PyJWK.from_dict(row)
            except (jwt.PyJWTError, TypeError, ValueError) as error:
                log.warning("key %r is left out: %s", row.get("kid"), error)
    if not keys:
        raise ValueError("the key set has no usable key")
    return keys


class KeySet:
    """Looks keys up by id; an unknown id fetches the set again, at most once in ``retry_seconds``."""

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], bytes] = fetch_document,
        now: Callable[[], float] = time.monotonic,
        fresh_seconds: float = 600.0,
        retry_seconds: float = 10.0,
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._now = now
        self._fresh_seconds = fresh_seconds
        self._retry_seconds = retry_seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._lock = threading.Lock()

    def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key, or None where the issuer has none of this id; raises KeyServerError."""
        found = self._keys.get(key_id)
        if found is None or self._now() - self._fetched > self._fresh_seconds:
            self._renew(key_id, wait=found is None)
            found = self._keys.get(key_id)
        if found is None and not self._keys:
            raise KeyServerError("the key server does not answer")
        return found

    def _renew(self, key_id: str, wait: bool) -> None:
        if not self._lock.acquire(blocking=wait):
            return  # another caller is fetching, and the key that is kept will do meanwhile
        try:
            now = self._now()
            if key_id in self._keys and now - self._fetched <= self._fresh_seconds:
                return  # another caller has just fetched it
            if now - self._tried < self._retry_seconds:
                return
            self._tried = now
            try:
                self._keys = parse_keys(self._fetch(self._url))
                self._fetched = now
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                log.warning("key set %s: %s; %d keys are kept", self._url, error, len(self._keys))
        finally:
            self._lock.release()
