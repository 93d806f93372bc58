"""Which stream a stream key belongs to, by a file or by the bridge, with a bounded and short memory of answers."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import requests
import yaml

from exporters import broken_yaml
from exporters.errors import ConfigError, SourceError, SourceFormatError, SourceUnreachableError

log = logging.getLogger(__name__)
MAX_KEY_LENGTH = 256
MAX_REMEMBERED = 4096


class KeyRegistry(Protocol):
    """Knows stream keys."""

    def stream_of(self, key: str) -> str | None:
        """The public id a key belongs to, or None; raises SourceError when the registry cannot tell."""


class FileKeys:
    """Keys of a YAML or JSON file ``{key: stream id}``, read anew when the file has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[float, Mapping[str, str]] | None = None

    def stream_of(self, key: str) -> str | None:
        return self.keys().get(key)

    def keys(self) -> Mapping[str, str]:
        """All keys of the file; raises SourceUnreachableError or SourceFormatError, which show no key."""
        try:
            changed = self._path.stat().st_mtime
            if self._read is None or self._read[0] != changed:
                self._read = (changed, self._parse(self._path.read_text(encoding="utf-8")))
        except OSError as error:
            raise SourceUnreachableError(f"cannot read the keys file: {error.strerror}", "connect") from error
        except UnicodeDecodeError:  # it quotes the file
            raise SourceFormatError(f"the keys file {self._path} is no UTF-8 text") from None
        return self._read[1]

    def _parse(self, text: str) -> Mapping[str, str]:
        try:
            found = yaml.safe_load(text) or {}
        except broken_yaml.ERRORS as error:
            raise SourceFormatError(f"the keys file {self._path} is no YAML{broken_yaml.place(error)}") from None
        if not isinstance(found, dict) or not all(isinstance(one, str) for pair in found.items() for one in pair):
            raise SourceFormatError(f"the keys file {self._path} must map each key (text) to a stream id (text)")
        return found


class BridgeKeys:
    """Keys of the bridge's registry: ``POST {"key": …}`` gives ``{"stream": …}``, or 404 for an unknown key."""

    def __init__(self, url: str, token: str, timeout_seconds: float = 2.0) -> None:
        self._url = url
        self._headers = {"X-Internal-Token": token, "Content-Type": "application/json"}
        self._timeout_seconds = timeout_seconds

    def stream_of(self, key: str) -> str | None:
        try:
            with requests.Session() as session:  # hooks come from many threads; a session is for one
                session.trust_env = False
                answer = session.post(
                    self._url,
                    data=json.dumps({"key": key}),
                    headers=self._headers,
                    timeout=self._timeout_seconds,
                    allow_redirects=False,
                )
            if answer.status_code == 404:
                return None
            if answer.status_code in (401, 403):
                raise SourceUnreachableError("the key registry refuses our token", "auth")
            if answer.status_code != 200:
                raise SourceUnreachableError(f"the key registry answered HTTP {answer.status_code}", "http")
            return str(answer.json()["stream"])
        except requests.JSONDecodeError as error:
            raise SourceFormatError("the key registry's answer is no JSON") from error
        except (KeyError, TypeError) as error:
            raise SourceFormatError("the key registry's answer names no stream") from error
        except requests.RequestException as error:
            raise SourceUnreachableError(f"no key registry: {type(error).__name__}", "connect") from error


class RememberedKeys:
    """Another registry's answers, kept for ``seconds``: long enough for a burst, too short to outlast a refusal.

    With ``outlast`` a key that was good once stays good while the registry is away; else it is refused then.
    """

    def __init__(
        self,
        registry: KeyRegistry,
        seconds: float = 1.0,
        outlast: bool = False,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._seconds = seconds
        self._outlast = outlast
        self._steady = steady
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    def stream_of(self, key: str) -> str | None:
        if not 0 < len(key) <= MAX_KEY_LENGTH:
            return None
        with self._lock:
            known = self._answers.get(key)
        if known is not None and self._steady() - known[0] < self._seconds:
            return known[1]
        try:
            stream = self._registry.stream_of(key)
        except SourceError as error:
            if self._outlast and known is not None and known[1]:
                log.warning("a key is taken from memory: %s", error)
                return known[1]
            raise
        with self._lock:
            self._answers[key] = (self._steady(), stream)
            self._answers.move_to_end(key)
            while len(self._answers) > MAX_REMEMBERED:
                self._answers.popitem(last=False)
        return stream

    def __len__(self) -> int:
        return len(self._answers)


def open_registry(file: str, url: str, token: str, outlast: bool) -> KeyRegistry | None:
    """The registry that the settings name, or None where there is none; raises ConfigError."""
    if file and url:
        raise ConfigError("RTMP_KEYS_FILE and RTMP_KEYS_URL are both set; set the one that holds the keys")
    if file:
        keys = FileKeys(Path(file))
        try:
            keys.keys()
        except SourceError as error:
            raise ConfigError(f"RTMP_KEYS_FILE: {error}") from error
        return keys
    return RememberedKeys(BridgeKeys(url, token), outlast=outlast) if url else None
