"""The renditions of the test picture: what the publisher encodes and the packager announces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rendition:
    """One rendition: name suffix, picture size, video bits per second, and CODECS (RFC 6381)."""

    name: str
    width: int
    height: int
    video_bits_per_second: int
    codecs: str

    @property
    def bandwidth(self) -> int:
        """BANDWIDTH for the multivariant playlist: peak bits per second with audio and container overhead."""
        return int((self.video_bits_per_second + AUDIO_BITS_PER_SECOND) * 1.4)


AUDIO_BITS_PER_SECOND = 64_000
FRAME_RATE = 25
SEGMENT_SECONDS = 2

# hls.js tells object type and bitrate (CMCD ot, br) only where the playlist names CODECS.
LADDER = (
    Rendition("480p", 854, 480, 900_000, "avc1.42c01e,mp4a.40.2"),
    Rendition("360p", 640, 360, 500_000, "avc1.42c01e,mp4a.40.2"),
    Rendition("240p", 426, 240, 250_000, "avc1.42c015,mp4a.40.2"),
)
