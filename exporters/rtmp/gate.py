"""Whether a publish may happen and under which public name: the stream key is checked and leaves no trace."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

from exporters.errors import SourceError
from exporters.naming import Naming
from exporters.rtmp.keys import KeyRegistry

log = logging.getLogger(__name__)
PUBLIC_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``name`` is the public name the publish gets, empty when refused; ``result`` says why, as a label."""

    name: str
    result: str


class Gate:
    """Checks publishes against a key registry; without one every well-formed name is public and allowed."""

    def __init__(self, registry: KeyRegistry | None, naming: Naming) -> None:
        self._registry = registry
        self._naming = naming

    def check(self, name: str, keys: Sequence[str] = (), may_rename: bool = True) -> Verdict:
        """The verdict on a publish name, and on the keys given beside it (then the name must be the public one).

        A server that cannot rename shows the name everywhere, so there a key must stand beside it.
        """
        try:
            public = self._public(name, keys, may_rename)
        except SourceError as error:
            log.warning("a publish is refused because its key cannot be checked: %s", error)
            return Verdict("", "unchecked")
        if public is None or not PUBLIC_NAME.fullmatch(public):
            return Verdict("", "refused")
        return Verdict(public, "allowed" if public == name else "renamed")

    def _public(self, name: str, keys: Sequence[str], may_rename: bool) -> str | None:
        if self._registry is None:
            return name
        base, suffix = self._naming.split(name)
        if keys:
            # Only the first counts: what a client adds to its own query must not be tried one by one.
            return name if self._registry.stream_of(keys[0]) in (base, name) else None
        if not may_rename:
            return None
        stream = self._registry.stream_of(base)
        if stream is not None:
            return stream + suffix
        return self._registry.stream_of(name) if suffix else None
