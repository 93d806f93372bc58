"""Low-Latency HLS: what to ask next, and whether the answer to a blocking, delta or impossible request is right."""

from __future__ import annotations

import dataclasses
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from exporters.hls.findings import Finding
from exporters.hls.playlist import MediaPlaylist

HANG_TARGET_DURATIONS = 3
IMPOSSIBLE_AHEAD = 10
"""a media sequence number this far ahead must be answered with 400 (rfc8216bis §6.2.5.2)"""
PART_LATE_RATIO = 1.5
"""part targets between two parts, with room for the way, before a part is called late"""


def with_directives(url: str, **directives: str | int) -> str:
    """The URL with delivery directives, sorted as caches need it, after the parameters it has (rfc8216bis §6.2.5)."""
    parts = urlsplit(url)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].startswith("_HLS_")]
    query = "&".join(filter(None, (urlencode(kept), urlencode(sorted(directives.items())))))
    return urlunsplit(parts._replace(query=query))


def next_request(url: str, playlist: MediaPlaylist, skip: bool = False) -> str:
    """The blocking request for what comes next: the next part, or the next segment where there are no parts."""
    msn, part = playlist.position
    directives: dict[str, str | int] = {"_HLS_msn": msn}
    if playlist.part_target is not None:
        directives["_HLS_part"] = part
    if skip:
        directives["_HLS_skip"] = "YES"
    return with_directives(url, **directives)


def impossible_request(url: str, playlist: MediaPlaylist) -> str:
    """A request so far ahead that it must be refused."""
    return with_directives(url, _HLS_msn=playlist.next_msn + IMPOSSIBLE_AHEAD)


def can_skip(playlist: MediaPlaylist) -> bool:
    """Whether a delta update must leave something out: there are segments beyond the skip boundary."""
    control = playlist.server_control
    return control is not None and control.can_skip_until is not None and playlist.seconds > control.can_skip_until


def early_finding(asked: MediaPlaylist, answer: MediaPlaylist) -> Finding | None:
    """The finding when the answer has no more than what was known when it was asked."""
    if answer.position > asked.position or answer.ended:
        return None
    msn, part = asked.position
    return Finding("blocking_reload_early", "", f"answered before part {msn}.{part} was there")


class DeltaError(ValueError):
    """A delta update that cannot be applied."""


def expand(full: MediaPlaylist, delta: MediaPlaylist) -> MediaPlaylist:
    """The playlist that a delta update stands for (rfc8216bis §6.2.5.1); raises DeltaError when it does not fit."""
    if delta.skipped is None:
        return delta
    first, end = delta.media_sequence, delta.media_sequence + delta.skipped
    kept = tuple(one for one in full.segments if first <= one.msn < end)
    if len(kept) != delta.skipped:
        raise DeltaError(f"it skips {first} to {end - 1}, of which {delta.skipped - len(kept)} were never listed")
    listed = kept + delta.segments
    ranges = delta.date_ranges
    if delta.server_control is not None and delta.server_control.can_skip_dateranges:
        now = {one.id for one in ranges} | set(delta.removed_date_ranges)
        ranges = tuple(one for one in full.date_ranges if one.id not in now) + ranges
    # A skipped discontinuity still counts for the segments after it.
    missed = kept[-1].discontinuity_sequence - delta.discontinuity_sequence if kept else 0
    later = tuple(one._replace(discontinuity_sequence=one.discontinuity_sequence + missed) for one in delta.segments)
    return dataclasses.replace(delta, segments=kept + later if missed else listed, date_ranges=ranges, skipped=None)


def delta_finding(full: MediaPlaylist, answer: MediaPlaylist) -> Finding | None:
    """What is wrong with the answer to a request with ``_HLS_skip=YES``, by what was known before."""
    if answer.skipped is None:
        return Finding("delta_update_wrong", "", "_HLS_skip was ignored") if can_skip(full) else None
    try:
        whole = expand(full, answer)
    except DeltaError as error:
        return Finding("delta_update_wrong", "", str(error))
    control = answer.server_control or full.server_control
    boundary = control.can_skip_until if control is not None else None
    left = answer.seconds + sum(part.duration for part in answer.open_parts)
    if boundary is not None and whole.seconds >= boundary and left < boundary - answer.target_duration:
        return Finding(
            "delta_update_wrong", "", f"only {left:g} s are listed, within the skip boundary of {boundary:g} s"
        )
    return None
