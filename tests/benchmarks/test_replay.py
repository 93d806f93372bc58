from __future__ import annotations

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


def shown(folder: Path, begun: float) -> list[str]:
    """The values of a page that was read at 1,010 and is served from then on."""
    for name, text in (("a", FIRST), ("b", SECOND)):
        (folder / name).write_text(text)
        os.utime(folder / name, (1010, 1010))
    page = Page(folder / "a", folder / "b", 2.0, begun=begun)
    return [line.rpartition(" ")[2] for line in page.text(begun + 6.5).decode().splitlines()]


def test_a_page_goes_on_as_it_changed_between_two_readings(tmp_path: Path) -> None:
    plays, viewers, *_ = shown(tmp_path, 1010)
    assert (plays, viewers) == ("22.0", "5.0")  # three gaps: 10 + 3 * 4, and the second reading of the swinging one


def test_instants_that_moved_stay_as_old_and_others_stay(tmp_path: Path) -> None:
    *_, changed, started = shown(tmp_path, 1510)
    assert changed == "1506.0"  # 10 s old when read at 1,010, and three gaps of 2 s later
    assert started == "900.0"
