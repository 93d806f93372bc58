"""The probe against a real Low-Latency origin, right and wrong."""

from __future__ import annotations

import pytest

from exporters import metrics
from exporters.hls.media import Clock
from tests.hls.llhls_origin import PARTS_PER_SEGMENT, Fault, low_latency_origin
from tests.hls.probing import Probing, probe

ENDPOINT = "origin"


def follow(turns: int, *faults: Fault, checks: int = 0, real_time: bool = False) -> Probing:
    """The probe after some turns against an origin with these faults, and rounds of further checks."""
    with low_latency_origin(*faults, real_time=real_time) as origin:

        async def drive(probing: Probing) -> None:
            rendition = probing.rendition(origin.url)
            for _ in range(turns):
                await rendition.turn()
            for _ in range(checks):
                await rendition.checks.round()

        return probe(origin.url, drive, Clock(monotonic=origin.now), timeout=1.0)


def test_a_right_origin_breaks_no_rule_and_its_parts_come_at_their_pace() -> None:
    probing = follow(1 + 2 * PARTS_PER_SEGMENT, checks=1)
    assert probing.rules() == set()
    assert probing.tables[metrics.HLS_PARTS].get("demo", ENDPOINT) == 2 * PARTS_PER_SEGMENT
    assert probing.tables[metrics.HLS_SEGMENTS].get("demo", ENDPOINT, "main") == 2
    assert probing.tables[metrics.HLS_PART_TARGET].get("demo", ENDPOINT) == 0.2
    assert probing.tables.histogram(metrics.HLS_BLOCKING_RELOAD).count(ENDPOINT) == 2 * PARTS_PER_SEGMENT
    assert probing.tables.histogram(metrics.HLS_PART_INTERVAL).count("demo", ENDPOINT) == 2 * PARTS_PER_SEGMENT - 1
    assert probing.tables[metrics.HLS_PRELOAD_HINT].get(ENDPOINT, "used") == 1
    assert probing.tables.histogram(metrics.HLS_PART_INTERVAL).cell("demo", ENDPOINT).sum == pytest.approx(9 * 0.2)
    assert len(probing.tables[metrics.HLS_BLOCKING_RELOAD_ERRORS]) == 0
    assert len(probing.tables[metrics.HLS_FETCH_ERRORS]) == 0


def test_reloads_are_held_in_real_time() -> None:
    probing = follow(1 + PARTS_PER_SEGMENT, checks=1, real_time=True)
    held = probing.tables.histogram(metrics.HLS_BLOCKING_RELOAD).cell(ENDPOINT)
    assert (probing.tables[metrics.HLS_PARTS].get("demo", ENDPOINT) or 0) >= PARTS_PER_SEGMENT
    assert held.sum > 0
    assert probing.rules() <= {"part_late"}  # which a busy machine may truly cause


def test_the_probe_asks_for_the_next_part_and_for_delta_updates() -> None:
    with low_latency_origin() as origin:

        async def drive(probing: Probing) -> None:
            rendition = probing.rendition(origin.url)
            for _ in range(8):
                await rendition.turn()

        probe(origin.url, drive)
        queries = origin.queries
    assert queries[0] == ""
    assert all(query.startswith("_HLS_msn=") and "&_HLS_part=" in query for query in queries[1:])
    assert [number for number, query in enumerate(queries) if query.endswith("&_HLS_skip=YES")] == [5]


@pytest.mark.parametrize(
    ("fault", "turns", "rule"),
    [
        ("early", 4, "blocking_reload_early"),
        ("refuse", 2, "blocking_reload_bad_request"),
        ("ignore_skip", 6, "delta_update_wrong"),
        ("skip_too_much", 6, "delta_update_wrong"),
        ("slow_parts", 5, "part_late"),
    ],
)
def test_a_wrong_answer_to_a_reload_is_found(fault: Fault, turns: int, rule: str) -> None:
    assert follow(turns, fault).rules() == {rule}


def test_a_reload_that_is_never_answered_hangs() -> None:
    probing = follow(2, "hang")
    assert probing.rules() == {"blocking_reload_hang"}
    assert probing.tables[metrics.HLS_BLOCKING_RELOAD_ERRORS].get(ENDPOINT, "timeout") == 1


def test_an_overloaded_server_is_counted_and_breaks_no_rule() -> None:
    probing = follow(2, "overload")
    assert probing.rules() == set()
    assert probing.tables[metrics.HLS_BLOCKING_RELOAD_ERRORS].get(ENDPOINT, "http_503") == 1


def test_after_a_failed_reload_the_playlist_is_fetched_plainly() -> None:
    with low_latency_origin("refuse") as origin:

        async def drive(probing: Probing) -> None:
            rendition = probing.rendition(origin.url)
            for _ in range(3):
                await rendition.turn()
            assert rendition.watch.ok

        probe(origin.url, drive)
        assert [query == "" for query in origin.queries] == [True, False, True]


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("hint_404", "preload_hint_404"),
        ("part_404", "part_unavailable"),
        ("hold_impossible", "blocking_reload_bad_request"),
        ("answer_impossible", "blocking_reload_bad_request"),
    ],
)
def test_a_wrong_answer_to_a_further_check_is_found(fault: Fault, rule: str) -> None:
    rules = follow(1, fault, checks=1).rules()
    assert rule in rules
    assert rules <= {rule, "preload_hint_404"}


def test_a_hint_that_leads_nowhere_is_counted() -> None:
    assert follow(1, "hint_404", checks=1).tables[metrics.HLS_PRELOAD_HINT].get(ENDPOINT, "404") == 1
