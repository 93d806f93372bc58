"""Servers that show stream keys as names: their readings are renamed before anything else sees them."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace

from exporters.errors import SourceError
from exporters.naming import Naming
from exporters.rtmp.keys import KeyRegistry
from exporters.rtmp.model import ServerReading

log = logging.getLogger(__name__)


def hidden(name: str, secret: str) -> str:
    """A name that says nothing of the key it stands for: ``key-`` and 64 bits of its HMAC-SHA256."""
    return "key-" + hmac.new(secret.encode(), name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:16]


class PublicNames:
    """Maps keys to public ids by the registry, and hides those it does not know.

    While the registry is away a name that it has not told yet is left out: a hidden name would outlast the outage.
    """

    def __init__(self, naming: Naming, registry: KeyRegistry | None, secret: str) -> None:
        self._naming = naming
        self._registry = registry
        self._secret = secret
        self._known: dict[str, str] = {}

    def apply(self, readings: Sequence[ServerReading]) -> tuple[ServerReading, ...]:
        """One round's readings under public names."""
        shown = {stream.name for reading in readings for stream in reading.streams}
        self._known = {name: public for name, public in self._known.items() if name in shown}
        self._known.update(self._resolve(shown - self._known.keys()))
        return tuple(
            replace(
                reading,
                streams=tuple(
                    replace(stream, name=self._known[stream.name])
                    for stream in reading.streams
                    if stream.name in self._known
                ),
            )
            for reading in readings
        )

    def _resolve(self, names: Set[str]) -> Iterator[tuple[str, str]]:
        """New names with what they are shown as."""
        for name in sorted(names):
            key, suffix = self._naming.split(name)
            try:
                stream = self._registry.stream_of(key) if self._registry else None
            except SourceError as error:
                log.warning("streams are left out until their keys can be looked up: %s", error)
                return
            yield name, (stream or hidden(key, self._secret)) + suffix
