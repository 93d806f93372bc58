"""Which stream, kind of resource and rendition a request path speaks of, by configured patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from sys import intern
from typing import NamedTuple

from exporters.errors import ConfigError
from exporters.naming import RENDITION_SUFFIXES, Naming

DEFAULT_PATTERNS = (r"^/[^/]+/(?P<stream>[^/]+?)(?:\.m3u8|-\d+\.(?:ts|m4s|mp4|aac)|/.*)$",)
"""``/app/demo.m3u8``, ``/app/demo/…`` and ``/app/demo-17.ts``"""
MULTIVARIANT_NAMES = frozenset({"master", "main", "multivariant", "manifest", "stream"})
SEGMENT_ENDINGS = frozenset(
    {"ts", "m4s", "mp4", "m4v", "m4a", "cmfv", "cmfa", "cmft", "aac", "ac3", "ec3", "mp3", "vtt"}
)
MAX_NAME = 128
PART = re.compile(r"(?:^|[._-])part[._-]?\d+", re.ASCII)
INIT = re.compile(r"(?:^|[._-])init(?:[._-]|$)", re.ASCII)


class Target(NamedTuple):
    """What a path asks for; ``stream`` is empty when no pattern matches."""

    stream: str
    kind: str
    """multivariant, media, segment, part, init, key, other"""
    variant: str


class PathMapper:
    """Maps request paths by the first pattern that matches; raises ConfigError at once when a pattern is unusable.

    A pattern is a regular expression with a group ``stream`` and, if it likes, ``variant``. Without that group a
    rendition suffix is taken off the stream: ``demo_720p`` is stream ``demo``, variant ``720p``.
    """

    def __init__(
        self, patterns: Sequence[str] = DEFAULT_PATTERNS, suffixes: Sequence[str] = RENDITION_SUFFIXES
    ) -> None:
        if not patterns:
            raise ConfigError("CDN_PATTERNS is empty; it must hold at least one pattern with a group named stream")
        self._patterns = tuple(_compile(text) for text in patterns)
        self._naming = Naming(suffixes)

    def map(self, path: str) -> Target:
        """The target of a path (without its query)."""
        for pattern in self._patterns:
            found = pattern.search(path)
            if found is not None and found["stream"]:
                stream = found["stream"][:MAX_NAME]
                variant = found["variant"] or "" if "variant" in pattern.groupindex else ""
                if not variant:
                    stream, suffix = self._naming.split(stream)
                    variant = suffix.lstrip("_")
                # One string a stream and rendition, of however many targets, rows and labels.
                return Target(intern(stream), kind_of(path, stream, variant), intern(variant[:32]))
        return Target("", kind_of(path, "", ""), "")


def kind_of(path: str, stream: str, variant: str) -> str:
    """The kind of resource by its file name; a playlist named as its stream, or usually so, is multivariant."""
    name = path.rpartition("/")[2].lower()
    stem, _, ending = name.rpartition(".")
    if ending in ("m3u8", "m3u"):
        return "multivariant" if not variant and (stem == stream.lower() or stem in MULTIVARIANT_NAMES) else "media"
    if ending in SEGMENT_ENDINGS:
        if INIT.search(stem):
            return "init"
        return "part" if PART.search(stem) else "segment"
    return "key" if ending == "key" else "other"


def _compile(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ConfigError(f"CDN_PATTERNS: {text!r} is no regular expression: {error}") from error
    if "stream" not in pattern.groupindex:
        raise ConfigError(f"CDN_PATTERNS: {text!r} has no group (?P<stream>…)")
    return pattern
