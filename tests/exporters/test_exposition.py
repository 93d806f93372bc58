"""The exposition is what Prometheus' own parsers read, to the last escaped character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporters.exposition import Histograms, Samples, render, wants_openmetrics
from exporters.metrics import Family

GAUGE = Family("livestream_viewers", "gauge", ("stream", "device"), 'Viewers "now"\nand \\ here.')
COUNTER = Family("livestream_plays_total", "counter", ("stream",), "Plays.")
HISTOGRAM = Family("livestream_startup_seconds", "histogram", ("stream",), "Startup.", (0.5, 1.0, 2.0))


def test_a_counter_keeps_its_name_in_text_and_loses_total_in_the_openmetrics_family() -> None:
    plays = Samples(COUNTER)
    plays.add(2, "demo")
    line = 'livestream_plays_total{stream="demo"} 2\n'
    assert plays.render(False) == (
        f"# HELP livestream_plays_total Plays.\n# TYPE livestream_plays_total counter\n{line}"
    )
    assert plays.render(True) == f"# HELP livestream_plays Plays.\n# TYPE livestream_plays counter\n{line}"


@given(st.dictionaries(st.tuples(st.text(max_size=20), st.text(max_size=20)), st.floats(-1e12, 1e12), max_size=20))
def test_any_label_value_survives_both_formats(values: dict[tuple[str, str], float]) -> None:
    # A carriage return ends a line for the reference parsers although the formats allow it in a value.
    values = {
        key: value
        for key, value in values.items()
        if not set("\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029") & set("".join(key))
    }
    table = Samples(GAUGE)
    table.replace(values.items())
    for parse, text in ((parse_text, table.render(False)), (parse_openmetrics, table.render(True) + "# EOF\n")):
        read = {
            (sample.labels["stream"], sample.labels["device"]): sample.value
            for family in parse(text)
            for sample in family.samples
        }
        assert read == values


def test_a_histogram_counts_cumulatively_with_bounds_inclusive() -> None:
    startup = Histograms(HISTOGRAM)
    for value in (0.2, 0.5, 0.7, 5.0):
        startup.observe(value, "demo")
    (family,) = parse_openmetrics(render([startup], True) + "# EOF\n")
    assert {sample.labels.get("le", sample.name): sample.value for sample in family.samples} == {
        "0.5": 2,
        "1.0": 3,
        "2.0": 3,
        "+Inf": 4,
        "livestream_startup_seconds_sum": 6.4,
        "livestream_startup_seconds_count": 4,
    }


def test_replace_drops_what_is_gone_and_remove_where_drops_a_stream() -> None:
    table = Samples(GAUGE)
    table.set(1, "a", "tv")
    table.replace([(("b", "tv"), 2.0), (("b", "mobile"), 3.0), (("c", "tv"), 4.0)])
    assert dict(table.items()) == {("b", "tv"): 2.0, ("b", "mobile"): 3.0, ("c", "tv"): 4.0}
    table.remove_where("stream", "b")
    assert dict(table.items()) == {("c", "tv"): 4.0}


def test_a_checkpoint_brings_samples_and_histograms_back() -> None:
    plays, startup = Samples(COUNTER), Histograms(HISTOGRAM)
    plays.add(7, "demo")
    startup.observe(0.7, "demo")
    again, startup_again = Samples(COUNTER), Histograms(HISTOGRAM)
    again.restore(plays.state())
    startup_again.restore(startup.state())
    assert render([again, startup_again], True) == render([plays, startup], True)


def test_openmetrics_is_served_to_who_prefers_it() -> None:
    prometheus = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    assert wants_openmetrics(prometheus)
    assert not wants_openmetrics("text/plain")
    assert not wants_openmetrics("*/*")
    assert not wants_openmetrics("")
    assert not wants_openmetrics("application/openmetrics-text;q=0.2,text/plain;q=0.9")


def test_numbers_that_json_does_not_have_are_written_as_well() -> None:
    table = Samples(COUNTER)
    for stream, value in (("big", 2**70), ("endless", float("inf")), ("half", 0.5)):
        table.set(value, stream)
    (family,) = parse_text(table.render(False))
    assert {one.labels["stream"]: one.value for one in family.samples} == {
        "big": 2.0**70,
        "endless": float("inf"),
        "half": 0.5,
    }
