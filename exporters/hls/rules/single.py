"""Rules that one version of a media playlist can break by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

from exporters.hls.findings import Finding
from exporters.hls.playlist import MediaPlaylist

IV = re.compile(r"0[xX][0-9A-Fa-f]{1,32}")
FMP4 = (".m4s", ".mp4", ".m4v", ".m4a", ".cmfv", ".cmfa")
OVERLAP_SECONDS = 1.0
"""program dates of neighbours may overlap by rounding; below this nothing is said"""
TOLERANCE_SECONDS = 0.001


def check_media(playlist: MediaPlaylist, url: str = "") -> list[Finding]:
    """All findings of one version; ``url`` resolves key URIs."""
    found = list(playlist.flaws)
    for check in CHECKS:
        found += check(playlist)
    found += _key_transport(playlist, url)
    return found


def _durations(playlist: MediaPlaylist) -> Iterator[Finding]:
    for one in playlist.segments:
        if int(one.duration + 0.5) > playlist.target_duration:
            message = f"segment {one.msn} lasts {one.duration:g} s, target duration {playlist.target_duration:g} s"
            yield Finding("segment_too_long", str(one.msn), message)
    target = playlist.part_target
    if target is None:
        return
    for one in playlist.segments[-4:]:
        for number, part in enumerate(one.parts):
            if part.duration > target + TOLERANCE_SECONDS:
                message = f"part {one.msn}.{number} lasts {part.duration:g} s, part target {target:g} s"
                yield Finding("part_too_long", f"{one.msn}.{number}", message)


def _dates(playlist: MediaPlaylist) -> Iterator[Finding]:
    """Program dates go forward, map each instant once, and start anew after a discontinuity."""
    dated = any(one.program_date is not None for one in playlist.segments)
    start: float | None = None
    end: float | None = None
    for number, one in enumerate(playlist.segments):
        if one.discontinuity and number and dated and one.program_date is None:
            yield Finding("pdt_missing_after_disc", str(one.msn), f"no program date at the discontinuity {one.msn}")
            start = end = None
        if one.program_date is not None:
            if not one.zoned:
                yield Finding("pdt_ambiguous", "zone", "a program date has no time zone")
            if start is not None and end is not None:
                if one.program_date < start - TOLERANCE_SECONDS:
                    message = f"segment {one.msn} is dated {start - one.program_date:.3f} s before the one before it"
                    yield Finding("pdt_backwards", str(one.msn), message)
                elif end - one.program_date > OVERLAP_SECONDS:
                    message = f"segment {one.msn} is dated {end - one.program_date:.3f} s before the end of the last"
                    yield Finding("pdt_ambiguous", str(one.msn), message)
            start = one.program_date
        elif end is not None:
            start = end
        end = None if start is None else start + one.duration


def _date_ranges(playlist: MediaPlaylist) -> Iterator[Finding]:
    if playlist.date_ranges and not any(one.program_date is not None for one in playlist.segments):
        yield Finding("daterange_missing_pdt", "", "date ranges, but no program date")
    said: dict[str, dict[str, str]] = {}
    for one in playlist.date_ranges:
        known = said.setdefault(one.id, {})
        for name, value in one.attributes:
            if known.setdefault(name, value) != value:
                yield Finding("daterange_reused_id", one.id, f"date range {one.id} says two things about {name}")


def _keys(playlist: MediaPlaylist) -> Iterator[Finding]:
    for key in {key for one in playlist.segments for key in one.keys}:
        if key.iv and not IV.fullmatch(key.iv):
            yield Finding("key_iv", key.iv, f"IV {key.iv} is no 128-bit hexadecimal number")


def _key_transport(playlist: MediaPlaylist, url: str) -> Iterator[Finding]:
    for uri in {key.uri for one in playlist.segments for key in one.keys if key.uri}:
        if urljoin(url, uri).startswith("http://"):
            yield Finding("key_over_http", uri, f"the key {uri} travels over plain HTTP")


def _maps(playlist: MediaPlaylist) -> Iterator[Finding]:
    if any(not one.map_uri and one.uri.partition("?")[0].endswith(FMP4) for one in playlist.segments):
        yield Finding("fmp4_without_map", "", "fragmented MP4 segments without EXT-X-MAP")


def _low_latency(playlist: MediaPlaylist) -> Iterator[Finding]:
    """EXT-X-SERVER-CONTROL against EXT-X-PART-INF and the target duration (rfc8216bis §4.4.3.8)."""
    control, parts, target = playlist.server_control, playlist.part_target, playlist.target_duration
    if parts is not None and (control is None or control.part_hold_back is None):
        yield Finding("server_control_missing", "", "parts without PART-HOLD-BACK in EXT-X-SERVER-CONTROL")
    if control is None:
        return
    back = control.part_hold_back
    if parts is not None and back is not None and back < 3 * parts - TOLERANCE_SECONDS:
        rule = "part_hold_back_lt_2" if back < 2 * parts - TOLERANCE_SECONDS else "part_hold_back_lt_3"
        yield Finding(rule, "", f"PART-HOLD-BACK is {back:g} s, part target {parts:g} s")
    if control.hold_back is not None and control.hold_back < 3 * target - TOLERANCE_SECONDS:
        yield Finding("hold_back_lt_3", "", f"HOLD-BACK is {control.hold_back:g} s, target duration {target:g} s")
    if control.can_skip_until is not None and control.can_skip_until < 6 * target - TOLERANCE_SECONDS:
        message = f"CAN-SKIP-UNTIL is {control.can_skip_until:g} s, target duration {target:g} s"
        yield Finding("can_skip_until_lt_6", "", message)


def _hints(playlist: MediaPlaylist) -> Iterator[Finding]:
    types = [hint.type for hint in playlist.hints]
    for type in sorted({type for type in types if types.count(type) > 1}):
        yield Finding("more_than_one_hint", type, f"{types.count(type)} preload hints of type {type}")


def _notes(playlist: MediaPlaylist) -> Iterator[Finding]:
    for one in playlist.segments:
        if one.gap:
            yield Finding("gap_present", str(one.msn), f"segment {one.msn} is a gap")
        if one.discontinuity:
            yield Finding("discontinuity", str(one.msn), f"discontinuity at segment {one.msn}")


CHECKS: tuple[Callable[[MediaPlaylist], Iterator[Finding]], ...] = (
    _durations,
    _dates,
    _date_ranges,
    _keys,
    _maps,
    _low_latency,
    _hints,
    _notes,
)
