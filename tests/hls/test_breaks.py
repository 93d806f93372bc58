from __future__ import annotations

from exporters.hls.breaks import AdBreaks
from exporters.hls.playlist import Segment


def segments(*marks: str) -> list[Segment]:
    """One segment of 2 s a mark: ``out``, ``out4`` (4 s announced), ``in`` or nothing."""
    return [
        Segment(
            number,
            f"{number}.ts",
            2.0,
            cue_out=mark.startswith("out"),
            cue_seconds=float(mark[3:]) if mark[3:] else None,
            cue_in=mark == "in",
        )
        for number, mark in enumerate(marks)
    ]


def test_a_break_that_lasts_as_announced_has_no_delta() -> None:
    news = AdBreaks().follow(segments("", "out4", "", "in"))
    assert (news.begun, news.delta_seconds, news.findings) == (1, 0.0, ())


def test_a_break_is_followed_through_several_versions() -> None:
    breaks = AdBreaks()
    breaks.follow(segments("out6"))
    news = breaks.follow(segments("in"))
    assert (news.begun, news.delta_seconds) == (0, 4.0)
    assert [one.rule for one in news.findings] == ["ad_break_delta"]


def test_an_end_without_a_begin_is_unpaired_only_when_the_begin_would_have_been_seen() -> None:
    breaks = AdBreaks()
    assert breaks.follow(segments("in", "out4", "", "in")).findings == ()
    assert [one.rule for one in breaks.follow(segments("in")).findings] == ["cue_unpaired"]


def test_a_break_that_never_ends_is_unpaired() -> None:
    found = AdBreaks().follow(segments("out4", *[""] * 5)).findings
    assert {one.rule for one in found} == {"cue_unpaired"}


def test_a_break_without_announced_length_may_last() -> None:
    news = AdBreaks().follow(segments("out", *[""] * 50, "in"))
    assert (news.begun, news.delta_seconds, news.findings) == (1, None, ())
