"""How published names become stream labels: renditions are folded, stream keys never pass."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

MAX_NAME_LENGTH = 128
RENDITION_SUFFIXES = ("_720p", "_480p", "_360p", "_240p", "_1080p", "_low", "_mid", "_hi", "_src")


class Naming:
    """Splits a published name into stream and rendition, and hides it where it is a key.

    ``translate`` gives the public id of the part before the rendition suffix; by default names are public already.
    """

    def __init__(
        self, suffixes: Sequence[str] = RENDITION_SUFFIXES, translate: Callable[[str], str] = lambda name: name
    ) -> None:
        # The longest suffix wins, so that `_1080p_low` may stand beside `_low`.
        self._suffixes = sorted((suffix for suffix in suffixes if suffix), key=len, reverse=True)
        self._translate = translate

    def split(self, name: str) -> tuple[str, str]:
        """``demo_720p`` as ``("demo", "_720p")``; the suffix is empty where the name has none."""
        for suffix in self._suffixes:
            if name.endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)], suffix
        return name, ""

    def stream(self, name: str) -> str:
        """The public stream id of a published name."""
        return self._translate(self.split(name)[0])[:MAX_NAME_LENGTH]


def hidden(name: str, secret: str) -> str:
    """A name that says nothing of the key it stands for: ``key-`` and 64 bits of its HMAC-SHA256."""
    return "key-" + hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:16]
