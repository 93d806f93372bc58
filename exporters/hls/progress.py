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


def identities(segments: tuple[Segment, ...]) -> list[str]:
    """What tells segments apart: the URI without its query, which may be a token, unless only the query differs."""
    plain = [f"{one.uri.partition('?')[0]} {one.byterange}" for one in segments]
    if len(set(plain)) == len(plain):
        return plain
    return [f"{one.uri} {one.byterange}" for one in segments]


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


def agree(old: MediaPlaylist, new: MediaPlaylist) -> bool:
    """Whether the segments that both versions list are the same ones, and there are any."""
    before = {one.msn: name for one, name in zip(old.segments, identities(old.segments), strict=True)}
    after = {one.msn: name for one, name in zip(new.segments, identities(new.segments), strict=True)}
    common = before.keys() & after.keys()
    return bool(common) and all(before[msn] == after[msn] for msn in common)


def _new_parts(old: MediaPlaylist, new: MediaPlaylist) -> tuple[Part, ...]:
    if new.part_target is None:
        return ()
    msn, count = old.position
    complete = [part for one in new.segments if one.msn > msn for part in one.parts]
    first = next((one.parts[count:] for one in new.segments if one.msn == msn), None)
    if first is None:
        return new.open_parts[count:] if new.next_msn == msn else (*complete, *new.open_parts)
    return (*first, *complete, *new.open_parts)
