"""How a media playlist moves from one version to the next: what is new, and whether the origin started over."""

from __future__ import annotations

from dataclasses import dataclass

from exporters.hls.playlist import MediaPlaylist, Part, Segment


@dataclass(frozen=True, slots=True)
class Step:
    """The difference between two versions of a playlist."""

    playlist: MediaPlaylist
    """what holds now"""
    before: MediaPlaylist | None = None
    """what held before, where the two can be compared: none at first and after a restart"""
    grew: bool = True
    restarted: bool = False
    behind: bool = False
    """an older version was answered, as by one of several servers that is late"""
    segments: tuple[Segment, ...] = ()
    """segments that are new"""
    parts: tuple[Part, ...] = ()
    """parts that are new, of complete segments or the open one"""


class Progress:
    """Follows one media playlist; ``step`` takes each version that is fetched."""

    def __init__(self) -> None:
        self.playlist: MediaPlaylist | None = None
        self._shadow: MediaPlaylist | None = None
        """an older-looking version: the next ones tell whether a server is late or the origin began anew"""

    def step(self, new: MediaPlaylist) -> Step:
        old = self.playlist
        if old is None:
            self.playlist = new
            return Step(new)
        if self._went_back(old, new):
            return self._back(old, new)
        # An older version was answered in between, and now the newer line goes on: that one was behind.
        behind = self._shadow is not None
        self._shadow = None
        self.playlist = new
        segments = tuple(one for one in new.segments if one.msn >= old.next_msn)
        parts = _new_parts(old, new)
        return Step(new, old, bool(segments or parts), behind=behind, segments=segments, parts=parts)

    @staticmethod
    def _went_back(old: MediaPlaylist, new: MediaPlaylist) -> bool:
        return new.next_msn < old.next_msn

    def _back(self, old: MediaPlaylist, new: MediaPlaylist) -> Step:
        shadow = self._shadow
        if agree(old, new) and (shadow is None or new.position <= shadow.position):
            self._shadow = new
            return Step(old, grew=False)
        self._shadow = None
        self.playlist = new
        return Step(new, restarted=True, segments=new.segments)


def common(old: MediaPlaylist, new: MediaPlaylist) -> tuple[slice, slice]:
    """Where the segments that both versions list by number are in each of them."""
    if not old.segments or not new.segments:
        return slice(0), slice(0)
    first_old, first_new = old.segments[0].msn, new.segments[0].msn
    first, end = max(first_old, first_new), min(old.next_msn, new.next_msn)
    count = max(0, end - first)
    return (
        slice(first - first_old, first - first_old + count),
        slice(first - first_new, first - first_new + count),
    )


def agree(old: MediaPlaylist, new: MediaPlaylist) -> bool:
    """Whether the segments that both versions list are the same ones, and there are any."""
    before, after = common(old, new)
    return bool(old.segments[before]) and old.names[before] == new.names[after]


def _new_parts(old: MediaPlaylist, new: MediaPlaylist) -> tuple[Part, ...]:
    if new.part_target is None:
        return ()
    msn, count = old.position
    complete = [part for one in new.segments if one.msn > msn for part in one.parts]
    first = next((one.parts[count:] for one in new.segments if one.msn == msn), None)
    if first is None:
        return new.open_parts[count:] if new.next_msn == msn else (*complete, *new.open_parts)
    return (*first, *complete, *new.open_parts)
