"""Stream keys: made at random, looked up by digest, and sealed so that a stolen database does not tell them."""

from __future__ import annotations

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken

KEY_BYTES = 24
SEALED = b"sealed:"
PLAIN = b"plain:"


class KeyBox:
    """Makes stream keys, and turns them into what the database holds.

    A key has 192 random bits, so its SHA-256 can be looked up without salt. Beside the digest stands the key itself,
    because its owner must be able to read it again: encrypted (Fernet: AES-128-CBC with HMAC-SHA-256) when a secret is
    configured, else as it is.
    """

    def __init__(self, secret: str = "") -> None:
        derived = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())
        self._fernet = Fernet(derived) if secret else None

    @staticmethod
    def generate() -> str:
        """A new key that can stand in a URL; without the ``_`` that sets a rendition off, or a leading ``-``."""
        return secrets.token_urlsafe(KEY_BYTES).replace("_", "x").replace("-", "y")

    @staticmethod
    def digest(key: str) -> bytes:
        """What a key is looked up by."""
        return hashlib.sha256(key.encode(errors="replace")).digest()

    def seal(self, key: str) -> bytes:
        """What the database holds of a key."""
        return PLAIN + key.encode() if self._fernet is None else SEALED + self._fernet.encrypt(key.encode())

    def unseal(self, held: bytes) -> str | None:
        """The key; None when it was sealed with another secret."""
        if held.startswith(PLAIN):
            return held[len(PLAIN) :].decode()
        if self._fernet is None or not held.startswith(SEALED):
            return None
        try:
            return self._fernet.decrypt(held[len(SEALED) :]).decode()
        except InvalidToken:
            return None
