"""Reading a playlist: bytes to a MediaPlaylist or MultivariantPlaylist, by the m3u8 library and the tags it loses."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from m3u8 import parser

from exporters.errors import SourceFormatError
from exporters.hls import tags
from exporters.hls.findings import Finding
from exporters.hls.playlist import (
    Key,
    MediaPlaylist,
    MultivariantPlaylist,
    Part,
    Playlist,
    Rendition,
    Segment,
    ServerControl,
    Variant,
)

ODD_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
BOM = b"\xef\xbb\xbf"
MAX_SEGMENTS = 50_000
MAX_VARIANTS = 200


def read_playlist(body: bytes, url: str = "") -> Playlist:
    """Read a playlist; ``url`` gives its query parameters to EXT-X-DEFINE.

    Raises SourceFormatError when it is no playlist: reason ``not_m3u8``, ``mixed_kind`` or ``parse``.
    """
    flaws: list[Finding] = []
    if body.startswith(BOM):
        flaws.append(Finding("bom", "", "the playlist begins with a byte order mark"))
        body = body[len(BOM) :]
    if not body.startswith(b"#EXTM3U"):
        raise SourceFormatError("the first line is not #EXTM3U", "not_m3u8")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise SourceFormatError(f"not UTF-8: {error}", "not_m3u8") from error
    if text.count("#EXTINF") > MAX_SEGMENTS:
        raise SourceFormatError(f"over {MAX_SEGMENTS} segments")
    # The library splits lines at these too, which would tear a title into a title and a URI.
    text = ODD_LINE_ENDS.sub(" ", text)
    if "{$" in text:
        text = tags.substitute(text, dict(parse_qsl(urlsplit(url).query)))
    side = tags.SideReader()
    side.flaws = flaws
    side.uris = sum(1 for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))
    try:
        return _build(parser.parse(text, custom_tags_parser=side), side)
    # The library has no error of its own for bad values: whatever the conversion raises comes through.
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise SourceFormatError(f"a tag has a bad value: {error!r}") from error


def _build(data: dict[str, Any], side: tags.SideReader) -> Playlist:
    multivariant = bool(data["is_variant"] or data["media"] or data["iframe_playlists"])
    media = side.infs > 0 or "targetduration" in data
    if multivariant and media:
        raise SourceFormatError("multivariant and media playlist tags in one playlist", "mixed_kind")
    if multivariant:
        return _multivariant(data, side)
    if not media:
        raise SourceFormatError("neither EXT-X-TARGETDURATION nor EXT-X-STREAM-INF", "not_m3u8")
    return _media(data, side)


def _multivariant(data: dict[str, Any], side: tags.SideReader) -> MultivariantPlaylist:
    if len(data["playlists"]) > MAX_VARIANTS or len(data["media"]) > MAX_VARIANTS:
        raise SourceFormatError(f"over {MAX_VARIANTS} variants")
    return MultivariantPlaylist(
        variants=tuple(_variant(one["uri"], one["stream_info"]) for one in data["playlists"]),
        renditions=tuple(_rendition(one) for one in data["media"]),
        flaws=tuple(side.flaws),
    )


def _variant(uri: str, info: dict[str, Any]) -> Variant:
    width, _, height = str(info.get("resolution", "")).lower().partition("x")
    return Variant(
        uri=uri,
        bandwidth=info.get("bandwidth", 0),
        codecs=info.get("codecs", ""),
        resolution=(int(width), int(height)) if width.isdecimal() and height.isdecimal() else None,
        frame_rate=info.get("frame_rate"),
        audio=info.get("audio", ""),
        video=info.get("video", ""),
        subtitles=info.get("subtitles", ""),
        closed_captions=parser.remove_quotes(info.get("closed_captions", "")),
    )


def _rendition(one: dict[str, Any]) -> Rendition:
    return Rendition(
        type=one.get("type", ""),
        group=one.get("group_id", ""),
        name=one.get("name", ""),
        language=one.get("language", ""),
        uri=one.get("uri", ""),
        default=one.get("default") == "YES",
    )


def _media(data: dict[str, Any], side: tags.SideReader) -> MediaPlaylist:
    skip = data["skip"]
    skipped = int(skip["skipped_segments"]) if "skipped_segments" in skip else None
    segments, open_parts = _segments(data, side, skipped or 0)
    part_target = data["part_inf"].get("part_target")
    return MediaPlaylist(
        # Without the required tag the longest segment is the best guess; the flaw says that it is missing.
        target_duration=_target(data, side, segments),
        media_sequence=data["media_sequence"] or 0,
        segments=segments,
        discontinuity_sequence=data.get("discontinuity_sequence", 0),
        counts_discontinuities="discontinuity_sequence" in data,
        type=(data["playlist_type"] or "").upper(),
        ended=data["is_endlist"],
        open_parts=open_parts,
        part_target=None if part_target is None else _seconds(part_target),
        server_control=_server_control(data.get("server_control")),
        hints=tuple(side.hints),
        date_ranges=tuple(side.date_ranges),
        removed_date_ranges=tuple(filter(None, skip.get("recently_removed_dateranges", "").split("\t"))),
        skipped=skipped,
        flaws=tuple(side.flaws),
    )


def _target(data: dict[str, Any], side: tags.SideReader, segments: tuple[Segment, ...]) -> float:
    if "targetduration" in data:
        if data["targetduration"] <= 0:
            raise SourceFormatError("EXT-X-TARGETDURATION is not positive")
        return float(data["targetduration"])
    side.flaws.append(Finding("target_duration_missing", "", "EXT-X-TARGETDURATION is missing"))
    return max([1.0, *(segment.duration for segment in segments)])


def _segments(
    data: dict[str, Any], side: tags.SideReader, skipped: int
) -> tuple[tuple[Segment, ...], tuple[Part, ...]]:
    """The complete segments, and the parts after the last of them."""
    rows = data["segments"]
    msn = (data["media_sequence"] or 0) + skipped
    sequence = data.get("discontinuity_sequence", 0)
    segments: list[Segment] = []
    open_parts: tuple[Part, ...] = ()
    for row in rows:
        if "uri" not in row:  # the library appends what was pending when the text ended
            open_parts = _parts(row)
            if "duration" in row:
                side.flaws.append(Finding("extinf_without_uri", "end", "the last EXTINF has no URI"))
            continue
        sequence += row["discontinuity"]
        segments.append(_segment(row, msn, sequence, side.keys[len(segments)]))
        msn += 1
    if side.uris > len(segments):
        side.flaws.append(Finding("uri_without_extinf", "", f"{side.uris - len(segments)} URIs have no EXTINF"))
    return tuple(segments), open_parts


def _segment(row: dict[str, Any], msn: int, sequence: int, keys: tuple[Key, ...]) -> Segment:
    date, zoned = _instant(row.get("program_date_time"))
    return Segment(
        msn=msn,
        uri=row["uri"],
        duration=_seconds(row["duration"]),
        discontinuity=row["discontinuity"],
        discontinuity_sequence=sequence,
        program_date=date,
        zoned=zoned,
        gap=bool(row["gap_tag"]),
        keys=keys,
        map_uri=row.get("init_section", {}).get("uri", ""),
        byterange=row.get("byterange", ""),
        parts=_parts(row),
        cue_out=row["cue_out_start"],
        cue_seconds=_optional_seconds(row["scte35_duration"]) if row["cue_out_start"] else None,
        cue_in=row["cue_in"],
    )


def _parts(row: dict[str, Any]) -> tuple[Part, ...]:
    return tuple(
        Part(
            one.get("uri", ""),
            _seconds(one.get("duration", math.nan)),
            one.get("independent") == "YES",
            one.get("gap") == "YES" or bool(one.get("gap_tag")),
            one.get("byterange", ""),
        )
        for one in row.get("parts", ())
    )


def _server_control(found: dict[str, Any] | None) -> ServerControl | None:
    if found is None:
        return None
    return ServerControl(
        can_block_reload=found.get("can_block_reload") == "YES",
        hold_back=found.get("hold_back"),
        part_hold_back=found.get("part_hold_back"),
        can_skip_until=found.get("can_skip_until"),
        can_skip_dateranges=found.get("can_skip_dateranges") == "YES",
    )


def _instant(date: datetime | None) -> tuple[float | None, bool]:
    """Unix seconds, and whether the time zone was given; without one it is taken as UTC."""
    if date is None:
        return None, True
    return (date.timestamp(), True) if date.tzinfo else (date.replace(tzinfo=UTC).timestamp(), False)


def _seconds(value: float) -> float:
    """A duration; raises ValueError for what float() takes but no playlist may say."""
    if not 0 <= value < 1e6:
        raise ValueError(f"{value} is no duration in seconds")
    return float(value)


def _optional_seconds(text: str | None) -> float | None:
    """An announced ad-break length, which encoders write in many ways."""
    try:
        return _seconds(float(text)) if text else None
    except ValueError:
        return None
