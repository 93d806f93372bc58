"""Rules about how a media playlist may change from one version to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from exporters.hls.findings import Finding
from exporters.hls.playlist import DateRange, MediaPlaylist, Segment
from exporters.hls.progress import Step, common

DATE_TOLERANCE_SECONDS = 0.1
MIN_WINDOW_TARGET_DURATIONS = 3


def check_step(step: Step) -> list[Finding]:
    """The findings of one step; a restart is one finding, whatever else changed with it."""
    if step.restarted:
        return [Finding("sequence_reset", str(step.playlist.media_sequence), "the origin started over")]
    found: list[Finding] = []
    if step.behind:
        found.append(Finding("media_sequence_backwards", "behind", "an older version was answered after a newer one"))
    if step.before is not None and step.before is not step.playlist:
        for check in CHECKS:
            found += check(step.before, step.playlist)
    return found


def renumbered(old: MediaPlaylist, new: MediaPlaylist) -> int | None:
    """By how much the new numbers are off, where the same segments have other numbers; none where they agree.

    Numbers tell, unless the URIs under them differ and every segment that is still listed moved by the same amount.
    """
    before, after = common(old, new)
    if old.segments[before] and old.names[before] == new.names[after]:
        return None
    numbers = {name: one.msn for name, one in zip(old.names, old.segments, strict=True)}
    kept = zip(new.names, new.segments, strict=True)
    offsets = {one.msn - numbers[name] for name, one in kept if name in numbers}
    return offsets.pop() if len(offsets) == 1 and offsets != {0} else None


def _numbers(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    offset = renumbered(old, new)
    if offset is not None:
        message = f"segments that stayed have numbers {offset:+d} off"
        yield Finding("media_sequence_mismatch", str(new.media_sequence), message)
    elif new.media_sequence < old.media_sequence:
        message = f"from {old.media_sequence} to {new.media_sequence}"
        yield Finding("media_sequence_backwards", str(new.media_sequence), message)


def _target_duration(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    if old.target_duration != new.target_duration:
        message = f"from {old.target_duration:g} s to {new.target_duration:g} s"
        yield Finding("target_duration_changed", f"{new.target_duration:g}", message)


def _segments(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    before, after = common(old, new)
    # Nearly always nothing changed, and comparing whole tuples tells it fast.
    if old.segments[before] == new.segments[after] or renumbered(old, new) is not None:
        return
    rows = zip(old.segments[before], new.segments[after], old.names[before], new.names[after], strict=True)
    for one, other, name, other_name in rows:
        if _key_names(one) != _key_names(other):
            yield Finding("key_removed", str(one.msn), f"segment {one.msn} has other keys than before")
        what = _difference(one, other) or ("URI" if name != other_name else "")
        if what:
            yield Finding("playlist_mutated", str(one.msn), f"segment {one.msn} has another {what} than before")


def _key_names(one: Segment) -> list[tuple[str, str, str]]:
    """The keys without the queries of their URIs, which may be tokens."""
    return [(key.method, key.uri.partition("?")[0], key.iv) for key in one.keys]


def _difference(one: Segment, other: Segment) -> str:
    if abs(one.duration - other.duration) > 0.0005:
        return "duration"
    if one.discontinuity != other.discontinuity:
        return "discontinuity"
    if one.map_uri.partition("?")[0] != other.map_uri.partition("?")[0]:
        return "map"
    dates = one.program_date, other.program_date
    if None not in dates and abs(dates[0] - dates[1]) > DATE_TOLERANCE_SECONDS:  # type: ignore[operator]
        return "program date"
    return ""


def _types(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    """EVENT playlists only grow, VOD playlists stay, and one that slides has no type (rfc8216bis §4.4.3.5, §6.2.2)."""
    slides = new.media_sequence > old.media_sequence
    if old.type == "VOD" and (old.segments != new.segments or old.ended != new.ended):
        yield Finding("vod_changed", "", "a VOD playlist changed")
    elif new.type == "EVENT" and slides:
        yield Finding("live_has_type", "", "an EVENT playlist removes segments from its head")
    elif old.type == "EVENT" and (new.type != "EVENT" or len(new.segments) < len(old.segments)):
        yield Finding("event_removed", "", "an EVENT playlist lost segments or its type")


def _discontinuities(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    if new.discontinuity_sequence < old.discontinuity_sequence and new.counts_discontinuities:
        message = f"from {old.discontinuity_sequence} to {new.discontinuity_sequence}"
        yield Finding("discontinuity_sequence_backwards", str(new.discontinuity_sequence), message)
        return
    # One before the very first segment separates nothing; nginx-rtmp begins every stream with it.
    removed = sum(one.discontinuity for one in old.segments if 0 < one.msn < new.media_sequence)
    if removed and not new.counts_discontinuities:
        message = f"{removed} discontinuities were removed without EXT-X-DISCONTINUITY-SEQUENCE"
        yield Finding("discontinuity_sequence_missing", "", message)
        return
    before, after = common(old, new)
    for one, other in zip(old.segments[before][:1], new.segments[after][:1], strict=True):
        if one.discontinuity_sequence != other.discontinuity_sequence and new.counts_discontinuities:
            message = f"segment {one.msn} went from {one.discontinuity_sequence} to {other.discontinuity_sequence}"
            yield Finding("discontinuity_sequence_mismatch", str(one.msn), message)


def _window(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    """Only a removal can break it: a stream that has just begun is short, too."""
    least = MIN_WINDOW_TARGET_DURATIONS * new.target_duration
    if new.media_sequence > old.media_sequence and not new.ended and new.seconds < least:
        yield Finding("window_too_short", "", f"{new.seconds:g} s are listed, {least:g} s must stay")


def _end(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    if new.ended and not old.ended:
        yield Finding("endlist_on_live", "", "the live playlist has ended")
    if old.ended and not new.ended:
        yield Finding("playlist_mutated", "end", "the playlist goes on after its end")


def _date_ranges(old: MediaPlaylist, new: MediaPlaylist) -> Iterator[Finding]:
    now = {one.id: one for one in new.date_ranges}
    starts = [one.program_date for one in new.segments if one.program_date is not None]
    for one in old.date_ranges:
        other = now.get(one.id)
        if other is not None:
            changed = [name for name, value in one.attributes if dict(other.attributes).get(name, value) != value]
            if changed:
                yield Finding("daterange_reused_id", one.id, f"date range {one.id} changed {', '.join(changed)}")
        elif one.id not in new.removed_date_ranges and starts and (_end_of(one) or 0) > min(starts):
            yield Finding("daterange_removed_early", one.id, f"date range {one.id} went before its segments")


def _end_of(one: DateRange) -> float | None:
    """Unix seconds at which a date range ends, where it says so."""
    try:
        if end := one.get("END-DATE"):
            return datetime.fromisoformat(end).timestamp()
        return datetime.fromisoformat(one.get("START-DATE")).timestamp() + float(one.get("DURATION"))
    except ValueError:
        return None


CHECKS: tuple[Callable[[MediaPlaylist, MediaPlaylist], Iterator[Finding]], ...] = (
    _numbers,
    _target_duration,
    _segments,
    _types,
    _discontinuities,
    _window,
    _end,
    _date_ranges,
)
