from __future__ import annotations

import pytest

from exporters.hls.lowlatency import (
    DeltaError,
    can_skip,
    delta_finding,
    early_finding,
    expand,
    impossible_request,
    next_request,
    with_directives,
)
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.reading import read_playlist
from tests.hls.origin import media

CONTROL = "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12,PART-HOLD-BACK=1.5\n"
PARTS = "#EXT-X-PART-INF:PART-TARGET=0.5\n"
PART = '#EXT-X-PART:DURATION=0.5,URI="p0.mp4"\n'


def version(sequence: int, count: int, extra: str = CONTROL + PARTS, tail: str = "") -> MediaPlaylist:
    playlist = read_playlist((media(sequence, count, extra=extra) + tail).encode())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def delta(sequence: int, skipped: int, count: int) -> MediaPlaylist:
    text = media(sequence + skipped, count, extra=f"{CONTROL}{PARTS}#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n")
    playlist = read_playlist(text.replace(f"SEQUENCE:{sequence + skipped}", f"SEQUENCE:{sequence}").encode())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def test_directives_are_sorted_after_the_parameters_that_are_there() -> None:
    url = with_directives("http://o/a.m3u8?t=x%2By&_HLS_msn=1", _HLS_part=2, _HLS_msn=7)
    assert url == "http://o/a.m3u8?t=x%2By&_HLS_msn=7&_HLS_part=2"


def test_the_next_part_is_asked_for_or_the_next_segment_where_there_are_no_parts() -> None:
    assert next_request("http://o/a", version(100, 2, tail=PART)) == "http://o/a?_HLS_msn=102&_HLS_part=1"
    assert next_request("http://o/a", version(100, 2, CONTROL)) == "http://o/a?_HLS_msn=102"
    assert next_request("http://o/a", version(100, 2, CONTROL), skip=True) == "http://o/a?_HLS_msn=102&_HLS_skip=YES"
    assert impossible_request("http://o/a", version(100, 2)) == "http://o/a?_HLS_msn=112"


def test_an_answer_must_have_more_than_was_known() -> None:
    asked = version(100, 2, tail=PART)
    assert early_finding(asked, version(100, 2, tail=PART + PART)) is None
    assert early_finding(asked, version(100, 3)) is None
    assert early_finding(asked, version(100, 2, tail=PART + "#EXT-X-ENDLIST\n")) is None
    found = early_finding(asked, version(100, 2, tail=PART))
    assert found is not None
    assert found.rule == "blocking_reload_early"


def test_a_delta_update_stands_for_the_whole_playlist() -> None:
    assert expand(version(100, 12), delta(101, 5, 7)) == version(101, 12)


def test_a_delta_update_of_segments_that_were_never_listed_does_not_fit() -> None:
    with pytest.raises(DeltaError, match="it skips 90 to 94, of which 5 were never listed"):
        expand(version(100, 12), delta(90, 5, 7))


def test_skipped_discontinuities_count_for_the_segments_after_them() -> None:
    broken = media(100, 12, extra=CONTROL + PARTS).replace(
        "#EXTINF:2.000,\n102", "#EXT-X-DISCONTINUITY\n#EXTINF:2.000,\n102"
    )
    full = read_playlist(broken.encode())
    assert isinstance(full, MediaPlaylist)
    whole = expand(full, delta(100, 5, 8))
    assert [one.discontinuity_sequence for one in whole.segments] == [0, 0] + [1] * 11


def test_delta_updates_are_judged_by_what_they_leave_out() -> None:
    full = version(100, 12)
    assert can_skip(full)
    assert not can_skip(version(100, 6))
    assert delta_finding(full, delta(101, 5, 7)) is None
    assert delta_finding(version(100, 6), version(101, 6)) is None
    for wrong in (version(101, 12), delta(101, 9, 3), delta(50, 5, 7)):
        found = delta_finding(full, wrong)
        assert found is not None
        assert found.rule == "delta_update_wrong"
