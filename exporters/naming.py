"""How published names become stream labels: the renditions of a stream are folded into one."""

from __future__ import annotations

from collections.abc import Sequence

MAX_NAME_LENGTH = 128
RENDITION_SUFFIXES = ("_720p", "_480p", "_360p", "_240p", "_1080p", "_low", "_mid", "_hi", "_src")


class Naming:
    """Splits a published name into the stream's and the rendition's part."""

    def __init__(self, suffixes: Sequence[str] = RENDITION_SUFFIXES) -> None:
        # The longest suffix wins, so that `_1080p_low` may stand beside `_low`.
        self._suffixes = sorted((suffix for suffix in suffixes if suffix), key=len, reverse=True)

    def split(self, name: str) -> tuple[str, str]:
        """``demo_720p`` as ``("demo", "_720p")``; the suffix is empty where the name has none."""
        for suffix in self._suffixes:
            if name.endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)], suffix
        return name, ""

    def stream(self, name: str) -> str:
        """The public stream id of a public name."""
        return self.split(name)[0][:MAX_NAME_LENGTH]
