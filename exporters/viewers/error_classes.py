"""Player error codes in a bounded set of classes."""

from __future__ import annotations

import re
from typing import Final

CLASSES: Final[tuple[tuple[str, str], ...]] = (
    # First match wins; codes are hls.js details, MediaError names, Shaka and ExoPlayer names, or HTTP status codes.
    ("geo_blocked", r"geo|\b451\b"),
    ("not_entitled", r"entitle|paywall|subscri|unauthor|forbidden|\b40[123]\b"),
    ("drm", r"drm|key ?system|license|eme|encrypt"),
    ("key", r"key"),
    ("timeout", r"time ?out"),
    ("manifest", r"manifest|level|playlist|\b1[0-9]{3}\b.*manifest"),
    ("segment", r"frag|segment|chunk"),
    ("not_found", r"\b404\b|\b410\b|not ?found"),
    ("http_server", r"\b5[0-9]{2}\b"),
    ("http_client", r"\b4[0-9]{2}\b"),
    ("buffer_append", r"buffer ?(append|add|full|codec)|quota"),
    ("stall", r"stall|starv|nudge|seek ?over"),
    ("decode", r"decod|media_err_decode|video_error"),
    ("codec", r"codec|not ?supported|src_not|incompatible"),
    ("audio_track", r"audio"),
    ("subtitle", r"subtitle|caption|text"),
    ("advert", r"\bad\b|vast|advert|ima"),
    ("network", r"net|connect|dns|offline|io_"),
    ("autoplay", r"autoplay|notallowed|not_allowed"),
    ("aborted", r"abort"),
)
BUSINESS: Final = frozenset({"geo_blocked", "not_entitled"})
"""Failures that the platform meant to happen"""
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in CLASSES)
MAX_CODE = 128


def error_class(code: str) -> str:
    """The class of an error code; ``other`` when none fits."""
    code = code[:MAX_CODE]
    for name, pattern in _PATTERNS:
        if pattern.search(code):
            return name
    return "other"
