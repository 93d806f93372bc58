"""Report numbers (CMCD ``sn``): which were seen, which come twice, which never came."""

from __future__ import annotations

from typing import Final

WINDOW: Final = 64
_ALL: Final = (1 << WINDOW) - 1
MAX_LOST: Final = 1000
"""A jump by more than this is a player that starts to count anew, not that many lost reports."""

FRESH, DUPLICATE, LATE = 0, 1, 2


def take(highest: int, seen: int, number: int) -> tuple[int, int, int, int]:
    """Note ``number``; gives the new highest number and bit set, FRESH, DUPLICATE or LATE, and how many are now lost.

    Bit n of ``seen`` tells that ``highest - n`` has come. A number is lost when it has not come by the time it leaves
    the window. Counting starts at 0, so numbers missing before the first are waited for as well, unless a session is
    first heard of far into its life.
    """
    if highest < 0:
        unknown = _ALL if number >= WINDOW else (_ALL << (number + 1)) & _ALL
        return number, unknown | 1, FRESH, 0
    ahead = number - highest
    if ahead <= 0:
        if -ahead >= WINDOW:
            return highest, seen, LATE, 0
        bit = 1 << -ahead
        if seen & bit:
            return highest, seen, DUPLICATE, 0
        return highest, seen | bit, FRESH, 0
    if ahead >= WINDOW:
        lost = missing(seen) + ahead - WINDOW
        return (number, 1, FRESH, lost) if lost <= MAX_LOST else (number, _ALL, FRESH, 0)
    leaving = seen >> (WINDOW - ahead)
    return number, ((seen << ahead) | 1) & _ALL, FRESH, ahead - leaving.bit_count()


def missing(seen: int) -> int:
    """How many numbers of the window have not come."""
    return WINDOW - seen.bit_count()
