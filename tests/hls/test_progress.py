from __future__ import annotations

from exporters.hls.playlist import MediaPlaylist
from exporters.hls.progress import Progress, Step
from exporters.hls.reading import read_playlist
from tests.hls.origin import media


def version(sequence: int, count: int = 6, extra: str = "", tail: str = "") -> MediaPlaylist:
    playlist = read_playlist((media(sequence, count, extra=extra) + tail).encode())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def steps(*versions: MediaPlaylist) -> list[Step]:
    progress = Progress()
    return [progress.step(one) for one in versions]


def test_the_first_version_brings_nothing_new() -> None:
    (step,) = steps(version(100))
    assert (step.before, step.segments, step.restarted, step.grew) == (None, (), False, True)


def test_new_segments_are_those_after_the_last_end() -> None:
    assert [one.msn for one in steps(version(100), version(102))[1].segments] == [106, 107]


def test_an_event_playlist_grows_though_its_sequence_never_moves() -> None:
    step = steps(version(0, 3), version(0, 4))[1]
    assert (step.grew, [one.msn for one in step.segments]) == (True, [3])


def test_an_older_version_in_between_is_told_when_the_newer_line_goes_on() -> None:
    back, again, onward = steps(version(101), version(100), version(100), version(102))[1:]
    assert (back.grew, back.behind, back.playlist.media_sequence) == (False, False, 101)
    assert (again.grew, again.behind) == (False, False)
    assert (onward.behind, [one.msn for one in onward.segments]) == (True, [107])


def test_other_segments_under_lower_numbers_are_a_restart() -> None:
    step = steps(version(100), version(0, 2))[1]
    assert (step.restarted, step.before, [one.msn for one in step.segments]) == (True, None, [0, 1])


def test_a_lower_line_that_grows_is_a_restart_once() -> None:
    restarted = [step.restarted for step in steps(version(0, 5), version(0, 1), version(0, 2), version(0, 3))]
    assert restarted == [False, False, True, False]


PARTS = "#EXT-X-PART-INF:PART-TARGET=0.5\n"


def part(number: str) -> str:
    return f'#EXT-X-PART:DURATION=0.5,URI="{number}.mp4"\n'


def test_new_parts_are_counted_through_the_end_of_a_segment() -> None:
    opened = version(100, 2, PARTS, part("102.0"))
    longer = version(100, 2, PARTS, part("102.0") + part("102.1"))
    closed = version(
        100, 2, PARTS, part("102.0") + part("102.1") + part("102.2") + "#EXTINF:1.5,\n102.ts\n" + part("103.0")
    )
    found = [[one.uri for one in step.parts] for step in steps(opened, longer, closed)]
    assert found == [[], ["102.1.mp4"], ["102.2.mp4", "103.0.mp4"]]
