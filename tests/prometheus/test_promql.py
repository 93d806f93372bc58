"""PromQL that is written from the vocabulary fits it."""

from __future__ import annotations

import pytest

from exporters import metrics
from prometheus import promql, recorded
from prometheus.promql import Scope

HERE = Scope({"region": "$region", "stream": "$stream"})


def test_matchers_go_where_the_family_has_the_label() -> None:
    assert HERE.series(metrics.VIEWER_CONCURRENT) == (
        'livestream_viewer_concurrent{region=~"$region",stream=~"$stream"}'
    )
    assert HERE.series(metrics.RTMP_HOST_CPU) == 'livestream_rtmp_host_cpu_ratio{region=~"$region"}'


def test_a_where_value_matches_exactly_by_regular_expression_or_not_at_all() -> None:
    where = {"code_class": "~4xx|5xx", "cache": "!none", "kind": "segment"}
    assert Scope().series(metrics.CDN_REQUESTS, **where) == (
        'livestream_cdn_requests_total{code_class=~"4xx|5xx",cache!="none",kind="segment"}'
    )


def test_a_where_value_replaces_the_scopes_matcher() -> None:
    assert Scope({"stream": "$stream"}).series(metrics.VIEWER_CONCURRENT, stream="demo") == (
        'livestream_viewer_concurrent{stream="demo"}'
    )


def test_a_quantile_sums_buckets() -> None:
    assert Scope().quantile(0.95, metrics.CDN_TTFB, "cdn") == (
        "histogram_quantile(0.95, sum by (cdn, le) (rate(livestream_cdn_time_to_first_byte_seconds_bucket"
        "[$__rate_interval])))"
    )


def test_a_recorded_series_takes_the_matchers_of_its_level() -> None:
    assert HERE.recorded(recorded.STREAM_VIEWERS) == f'{recorded.STREAM_VIEWERS}{{stream=~"$stream"}}'
    assert HERE.recorded(recorded.VIEWERS) == recorded.VIEWERS


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Scope().rate(metrics.VIEWER_CONCURRENT),
        lambda: Scope().gauge("sum", metrics.VIEWER_PLAYS),
        lambda: Scope().increase(metrics.VIEWER_STARTUP),
        lambda: Scope().series(metrics.VIEWER_STARTUP),
        lambda: Scope().series(metrics.VIEWER_PLAYS, part="bucket"),
        lambda: Scope().series(metrics.VIEWER_PLAYS, country="AT"),
    ],
)
def test_what_does_not_fit_the_family_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="livestream_viewer"):
        wrong()  # type: ignore[operator]


def test_a_share_is_zero_without_a_part_and_absent_without_a_whole() -> None:
    assert promql.share("a", "b") == "(a or 0 * b) / (b > 0)"
