"""Label values stay bounded."""

from __future__ import annotations

from exporters.labels import OTHER, BoundedLabel


def test_values_beyond_the_bound_are_folded_and_counted() -> None:
    drops: list[int] = []
    bound = BoundedLabel(2, lambda: drops.append(1))
    assert [bound.admit(value) for value in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]
    assert len(drops) == 2
    bound.forget("a")
    assert bound.admit("c") == "c"
    assert len(bound) == 2
