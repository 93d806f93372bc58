"""Anything that may come over a wire, made by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
ZONES = st.sampled_from(["", "Z", "+14:00", "-12:00", "+23:59", "-00:00", "+0", "[Europe/Berlin]"])
YEARS = st.sampled_from(["0000", "0001", "1582", "1989", "1990", "2024", "2026", "2200", "9999", "10000", "-001"])
DAYS = st.sampled_from(["-01-01", "-02-29", "-12-31", "-W01-1", "0101", "-13-01", ""])
TIMES = st.sampled_from(["", "T00:00", "T23:59:59", " 12:00:00.123456789", "T24:00:00", "T12", "T02:30:00.5"])
INSTANTS = st.builds("{}{}{}{}".format, YEARS, DAYS, TIMES, ZONES)
"""What is, or nearly is, an ISO 8601 date or instant."""


def spoiled(sample: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good object with some of its values replaced by anything."""
    changes = st.dictionaries(st.sampled_from([*sample, "other"]), JSON | INSTANTS, max_size=4)
    return changes.map(lambda change: {**sample, **change})
