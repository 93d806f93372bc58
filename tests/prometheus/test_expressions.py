"""The reader of expressions finds the faults it is there to find."""

from __future__ import annotations

import pytest

from tests.prometheus.expressions import problems

RECORDED = {"stream:livestream_viewer_concurrent:sum"}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sum(", "does not parse"),
        ("livestream_viewer_concurent", "livestream_viewer_concurent is not in the vocabulary"),
        ("stream:livestream_viewers:sum", "stream:livestream_viewers:sum is not recorded"),
        ('livestream_viewer_concurrent{strem="x"}', "livestream_viewer_concurrent has no label strem"),
        ("sum by (country) (livestream_viewer_concurrent)", "groups by country, which none of its series has"),
        ("rate(livestream_viewer_concurrent[1m])", "takes a rate of the gauge livestream_viewer_concurrent"),
        ("sum(livestream_viewer_plays_total)", "reads the counter livestream_viewer_plays_total without a rate"),
        ("livestream_viewer_startup_seconds", "livestream_viewer_startup_seconds is not in the vocabulary"),
        ("rate(sum(up)[5m:1m])", "takes a rate of an expression"),
        ('{stream="x"}', "selects without a name"),
    ],
)
def test_a_fault_is_named(text: str, fault: str) -> None:
    assert any(one.startswith(fault) for one in problems(text, RECORDED))


def test_a_sound_expression_has_no_fault() -> None:
    text = (
        'histogram_quantile(0.9, sum by (stream, le) (rate(livestream_viewer_startup_seconds_bucket{region=~"$region"}'
        "[$__rate_interval]))) and on (stream) stream:livestream_viewer_concurrent:sum > 0"
    )
    assert list(problems(text, RECORDED)) == []
