"""Short canonical names of renditions for labels: ``720p``, ``1080p60``, ``audio_en``; never URLs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from exporters.hls.playlist import MultivariantPlaylist, Rendition, Variant

MAIN = "main"
"""the name of the one media playlist of a stream that has no multivariant playlist"""
MAX_VARIANTS = 12
CODEC_FAMILIES = {
    "avc1": "h264",
    "avc3": "h264",
    "hvc1": "hevc",
    "hev1": "hevc",
    "dvh1": "hevc",
    "dvhe": "hevc",
    "av01": "av1",
    "vp09": "vp9",
    "mp4a": "aac",
    "ac-3": "ac3",
    "ec-3": "eac3",
}
UNSAFE = re.compile(r"[^a-z0-9]+")


def variant_names(variants: Sequence[Variant]) -> list[str]:
    """A distinct name for each variant: height, then frame rate, codec, bit rate and number where needed."""
    names = [_height(one) for one in variants]
    for refine in (_frame_rate, _codec, _bit_rate):
        count = Counter(names)
        names = [name + refine(one) if count[name] > 1 else name for name, one in zip(names, variants, strict=True)]
    seen: Counter[str] = Counter()
    distinct = []
    for name in names:
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return distinct


def variants_by_name(playlist: MultivariantPlaylist) -> dict[str, Variant]:
    """The variants that have a media playlist of their own, by name; of those that share one, the first."""
    distinct: dict[str, Variant] = {}
    for one in playlist.variants:
        distinct.setdefault(one.uri, one)
    return dict(zip(variant_names(list(distinct.values())), distinct.values(), strict=True))


def media_playlists(playlist: MultivariantPlaylist) -> dict[str, str]:
    """Name and URI (as written) of each distinct media playlist, at most MAX_VARIANTS, video first.

    Variants that differ only in their audio group share one playlist; the first one's name stands for all.
    """
    named = {name: one.uri for name, one in variants_by_name(playlist).items()}
    for rendition in playlist.renditions:
        if rendition.uri and rendition.uri not in named.values():
            name = base = _rendition(rendition)
            number = 1
            while name in named:
                number += 1
                name = f"{base}_{number}"
            named[name] = rendition.uri
    return dict(list(named.items())[:MAX_VARIANTS])


def _height(one: Variant) -> str:
    if one.resolution:
        return f"{one.resolution[1]}p"
    return "audio" if _is_audio(one) else MAIN


def _is_audio(one: Variant) -> bool:
    codecs = [codec.strip()[:4] for codec in one.codecs.split(",") if codec.strip()]
    return bool(codecs) and all(codec in ("mp4a", "ac-3", "ec-3", "fLaC", "Opus") for codec in codecs)


def _frame_rate(one: Variant) -> str:
    return f"{round(one.frame_rate)}" if one.frame_rate else ""


def _codec(one: Variant) -> str:
    family = CODEC_FAMILIES.get(one.codecs.split(",")[0].strip()[:4], "")
    return f"_{family}" if family else ""


def _bit_rate(one: Variant) -> str:
    return f"_{round(one.bandwidth / 1000)}k" if one.bandwidth else ""


def _rendition(one: Rendition) -> str:
    kind = {"AUDIO": "audio", "VIDEO": "video", "SUBTITLES": "subtitles"}.get(one.type, "other")
    detail = UNSAFE.sub("_", (one.language or one.name or one.group).lower()).strip("_")[:20]
    return f"{kind}_{detail}" if detail else kind
