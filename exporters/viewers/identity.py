"""Keyed hashes in place of raw ids and addresses: one key for session ids, one salt a day for addresses."""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from pathlib import Path

DAY_SECONDS = 86400
KEY_BYTES = 32


class Pseudonyms:
    """Hashes that cannot be turned back without the keys; the day's salt is thrown away when the day is over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = _key_file(folder / "session.key")
        self._day = -1
        self._salt = b""

    def session(self, session_id: str) -> str:
        """A session's or event's public name: always the same for the same id."""
        return blake2b(session_id.encode(), key=self._key, digest_size=16).hexdigest()

    def visitor(self, stream: str, address: str, user_agent: str, now: float) -> int:
        """A number for who watches a stream today; another one tomorrow (Unix seconds, UTC days)."""
        day = int(now) // DAY_SECONDS
        if day != self._day:
            self._turn_to(day)
        text = f"{stream}\n{address}\n{user_agent}".encode("utf-8", "replace")
        return int.from_bytes(blake2b(text, key=self._salt, digest_size=7).digest(), "big") or 1

    def _turn_to(self, day: int) -> None:
        for old in self._folder.glob("salt-*.key"):
            if old.name != f"salt-{day}.key":
                old.unlink(missing_ok=True)
        self._salt = _key_file(self._folder / f"salt-{day}.key")
        self._day = day


def _key_file(path: Path) -> bytes:
    """The key in a file that only we may read, made when it is not there."""
    try:
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
    except FileNotFoundError:
        pass
    key = secrets.token_bytes(KEY_BYTES)
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    temporary.rename(path)
    return key
