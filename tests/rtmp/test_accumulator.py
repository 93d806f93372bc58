"""Counters that outlive restarts of what they count."""

from __future__ import annotations

from exporters.rtmp.accumulator import CounterMemory


def test_a_counter_first_seen_counts_from_its_beginning() -> None:
    assert CounterMemory().growth(("a", 1), 500) == 500


def test_growth_is_what_was_added() -> None:
    memory = CounterMemory()
    assert [memory.growth(("a", 1), raw) for raw in (100, 100, 150)] == [100, 0, 50]


def test_a_counter_that_went_down_started_again() -> None:
    memory = CounterMemory()
    assert [memory.growth(("a", 1), raw) for raw in (100, 30, 40)] == [100, 30, 10]


def test_a_counter_born_later_started_again_even_when_it_is_larger() -> None:
    memory = CounterMemory()
    memory.growth(("a", 1), 100, born=50.0)
    assert memory.growth(("a", 1), 120, born=60.0) == 120


def test_a_birth_that_trembles_is_the_same_birth() -> None:
    memory = CounterMemory()
    memory.growth(("a", 1), 100, born=50.0)
    assert memory.growth(("a", 1), 120, born=50.4) == 20


def test_an_unknown_value_neither_grows_nor_resets() -> None:
    memory = CounterMemory()
    assert [memory.growth(("a", 1), raw) for raw in (100, None, 110)] == [100, 0, 10]


def test_counters_that_are_not_kept_are_forgotten_in_their_group_alone() -> None:
    memory = CounterMemory()
    for key in (("a", 1), ("a", 2), ("b", 1)):
        memory.growth(key, 10)
    memory.keep("a", {("a", 2)})
    assert len(memory) == 2
    assert memory.growth(("b", 1), 10) == 0
