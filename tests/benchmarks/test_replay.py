from __future__ import annotations

import itertools
import os
from pathlib import Path

from benchmarks.growing.replay import Page

FIRST = """# TYPE plays_total counter
plays_total{stream="a b"} 10
viewers{stream="a b"} 7
changed_timestamp_seconds 1000
started_timestamp_seconds 900
"""
SECOND = FIRST.replace("} 10", "} 14").replace("} 7", "} 5").replace("seconds 1000", "seconds 1002")


def shown(folder: Path, begun: float, gaps: int) -> list[float]:
    """The values, so many gaps after ``begun``, of a page that was read at 1,010 and is served from then on."""
    for name, text in (("a", FIRST), ("b", SECOND)):
        (folder / name).write_text(text)
        os.utime(folder / name, (1010, 1010))
    page = Page(folder / "a", folder / "b", 2.0, begun=begun)
    lines = page.text(begun + 2.0 * gaps).decode().splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines]


def test_what_grew_goes_on_at_the_same_pace_by_whole_numbers_and_uneven_steps(tmp_path: Path) -> None:
    plays = [shown(tmp_path, 1010, gaps)[0] for gaps in range(20)]
    assert all(10 + 4 * gaps <= value < 14 + 4 * gaps for gaps, value in enumerate(plays))
    assert all(value % 1 == 0 for value in plays)
    assert len({later - earlier for earlier, later in itertools.pairwise(plays)}) > 1


def test_what_went_down_comes_and_goes(tmp_path: Path) -> None:
    assert {shown(tmp_path, 1010, gaps)[1] for gaps in range(20)} == {5, 7}


def test_instants_that_moved_stay_as_old_and_others_stay(tmp_path: Path) -> None:
    *_, changed, started = shown(tmp_path, 1510, 3)
    assert changed == 1506  # 10 s old when read at 1,010, and three gaps of 2 s later
    assert started == 900
