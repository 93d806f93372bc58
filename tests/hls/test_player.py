from __future__ import annotations

from exporters.hls.player import SyntheticPlayer


def player(listed: float = 12.0, target: float = 2.0) -> SyntheticPlayer:
    one = SyntheticPlayer(now=0.0)
    one.join(listed, target)
    return one


def test_it_starts_three_target_durations_behind() -> None:
    assert player().buffer_seconds == 6
    assert player().playing


def test_it_waits_for_them_where_a_stream_has_just_begun() -> None:
    one = player(listed=2.0)
    for second in (1.0, 2.0):
        assert one.advance(second).stalled_seconds == 0
        one.receive(2.0)
    assert (one.buffer_seconds, one.playing) == (6, True)


def test_media_in_real_time_keeps_the_buffer() -> None:
    one = player()
    for second in range(2, 20, 2):
        one.receive(2.0)
        assert one.advance(float(second)).stalls == 0
    assert one.buffer_seconds == 6


def test_an_empty_buffer_stalls_until_a_segment_is_there() -> None:
    one = player()
    told = one.advance(7.0)
    assert (told.stalls, told.stalled_seconds, one.playing) == (1, 1.0, False)
    one.receive(1.0)
    told = one.advance(8.0)
    assert (told.stalls, told.stalled_seconds, one.playing) == (0, 1.0, False)
    one.receive(1.0)
    assert one.advance(9.0).stalled_seconds == 0
    assert one.buffer_seconds == 1


def test_it_does_not_play_before_there_is_anything() -> None:
    one = SyntheticPlayer(now=0.0)
    one.receive(2.0)
    assert one.advance(60.0).stalled_seconds == 0
    assert one.buffer_seconds == 0
