"""Which family of encoder a client software text speaks of: a bounded label from free text."""

from __future__ import annotations

# The order matters: OBS and others name the library they publish with as well.
FAMILIES = (
    ("obs", ("obs", "libobs", "streamlabs")),
    ("vmix", ("vmix",)),
    ("wirecast", ("wirecast",)),
    ("larix", ("larix",)),
    ("xsplit", ("xsplit",)),
    ("gstreamer", ("gstreamer", "rtmp2sink")),
    ("ffmpeg", ("lavf", "ffmpeg")),
)


def encoder_family(text: str) -> str:
    """``obs``, ``ffmpeg``, … or ``other``."""
    lowered = text.lower()
    for family, marks in FAMILIES:
        if any(mark in lowered for mark in marks):
            return family
    return "other"
