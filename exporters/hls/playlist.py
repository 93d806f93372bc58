"""What a playlist says, as plain values: multivariant and media playlists of HLS (RFC 8216 and its revision)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from exporters.hls.findings import Finding


class Key(NamedTuple):
    """An EXT-X-KEY that applies to a segment."""

    method: str
    uri: str = ""
    iv: str = ""
    key_format: str = "identity"


class Part(NamedTuple):
    """A partial segment (EXT-X-PART); ``duration`` in seconds."""

    uri: str
    duration: float
    independent: bool = False
    gap: bool = False
    byterange: str = ""


class Segment(NamedTuple):
    """A media segment: ``duration`` in seconds, ``program_date`` in Unix seconds where the playlist states it."""

    msn: int
    uri: str
    duration: float
    discontinuity: bool = False
    discontinuity_sequence: int = 0
    program_date: float | None = None
    zoned: bool = True
    """whether the program date names its time zone"""
    gap: bool = False
    keys: tuple[Key, ...] = ()
    map_uri: str = ""
    byterange: str = ""
    parts: tuple[Part, ...] = ()
    cue_out: bool = False
    """an ad break begins here"""
    cue_seconds: float | None = None
    """its announced length"""
    cue_in: bool = False


class DateRange(NamedTuple):
    """An EXT-X-DATERANGE; ``attributes`` holds everything it says, sorted by name."""

    id: str
    attributes: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        return dict(self.attributes).get(name, "")


class Hint(NamedTuple):
    """An EXT-X-PRELOAD-HINT."""

    type: str
    uri: str


class ServerControl(NamedTuple):
    """EXT-X-SERVER-CONTROL, times in seconds."""

    can_block_reload: bool = False
    hold_back: float | None = None
    part_hold_back: float | None = None
    can_skip_until: float | None = None
    can_skip_dateranges: bool = False


@dataclass(frozen=True)
class MediaPlaylist:
    """A media playlist; ``skipped`` counts segments that a delta update left out before the first one listed."""

    target_duration: float
    media_sequence: int
    segments: tuple[Segment, ...]
    discontinuity_sequence: int = 0
    counts_discontinuities: bool = False
    """whether EXT-X-DISCONTINUITY-SEQUENCE is there"""
    type: str = ""
    ended: bool = False
    open_parts: tuple[Part, ...] = ()
    """parts of the segment that is not complete yet"""
    part_target: float | None = None
    server_control: ServerControl | None = None
    hints: tuple[Hint, ...] = ()
    date_ranges: tuple[DateRange, ...] = ()
    removed_date_ranges: tuple[str, ...] = ()
    skipped: int | None = None
    flaws: tuple[Finding, ...] = ()

    @cached_property
    def next_msn(self) -> int:
        """The media sequence number of the segment that is to come."""
        return self.segments[-1].msn + 1 if self.segments else self.media_sequence + (self.skipped or 0)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What tells each segment apart: its URI without the query, which may be a token, unless only that differs."""
        plain = tuple(f"{one.uri.partition('?')[0]} {one.byterange}" for one in self.segments)
        if len(set(plain)) == len(plain):
            return plain
        return tuple(f"{one.uri} {one.byterange}" for one in self.segments)

    @cached_property
    def seconds(self) -> float:
        """The length of all complete segments listed."""
        return sum(segment.duration for segment in self.segments)

    @property
    def position(self) -> tuple[int, int]:
        """How far the playlist reaches: the next segment and the number of its parts that are there."""
        return self.next_msn, len(self.open_parts)

    @cached_property
    def edge_time(self) -> float | None:
        """Unix time of the end of the last segment and its open parts, where a program date tells it."""
        after = sum(part.duration for part in self.open_parts)
        for segment in reversed(self.segments):
            after += segment.duration
            if segment.program_date is not None:
                return segment.program_date + after
            if segment.discontinuity:
                return None
        return None


class Variant(NamedTuple):
    """One EXT-X-STREAM-INF; rates in bits a second as the playlist writes them."""

    uri: str
    bandwidth: int
    codecs: str = ""
    resolution: tuple[int, int] | None = None
    frame_rate: float | None = None
    audio: str = ""
    video: str = ""
    subtitles: str = ""
    closed_captions: str = ""


class Rendition(NamedTuple):
    """One EXT-X-MEDIA."""

    type: str
    group: str
    name: str
    language: str = ""
    uri: str = ""
    default: bool = False


@dataclass(frozen=True)
class MultivariantPlaylist:
    """A multivariant playlist."""

    variants: tuple[Variant, ...]
    renditions: tuple[Rendition, ...] = ()
    flaws: tuple[Finding, ...] = ()


Playlist = MediaPlaylist | MultivariantPlaylist
