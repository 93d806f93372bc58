"""Colours from the objectives' (warning, critical) pairs; red means act."""

from __future__ import annotations

from dashboards.model import Step

GOOD, WARNING, CRITICAL, PLAIN = "green", "yellow", "red", "blue"
YES_NO = {"1": ("yes", GOOD), "0": ("no", CRITICAL)}
HEALTH = {"1": ("healthy", GOOD), "0": ("failing", CRITICAL)}

Steps = tuple[Step, ...]
PLAIN_NUMBER: Steps = ((None, PLAIN),)


def rising(pair: tuple[float, float]) -> Steps:
    """More is worse."""
    return ((None, GOOD), (pair[0], WARNING), (pair[1], CRITICAL))


def falling(pair: tuple[float, float]) -> Steps:
    """Less is worse."""
    return ((None, CRITICAL), (pair[1], WARNING), (pair[0], GOOD))


def any_is_bad() -> Steps:
    """One is too many."""
    return ((None, GOOD), (1, CRITICAL))


def none_is_bad() -> Steps:
    """None at all is too few."""
    return ((None, CRITICAL), (1, GOOD))
