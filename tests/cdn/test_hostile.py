"""Hostile lines raise neither memory nor the number of series."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.cdn.scene import Scene, nginx_line

MEASURE = """
import os, sys
from pathlib import Path
from benchmarks.processes import peak_mebibytes  # ru_maxrss is at first what the parent had
from tests.cdn.scene import Scene, nginx_line

scene = Scene(Path(sys.argv[1]), max_streams=50)
scene.ledger.restore()
_, counter = scene.source(sys.argv[3], hands_over=False)
kind = sys.argv[2]
head, tail = nginx_line("@@", **({"seconds": "0.0.1"} if kind == "refused" else {})).split(b"@@")

def count(first, last):
    for start in range(first, last, 200):
        numbers = range(start, start + 200)
        if kind in ("paths", "refused"):
            text = b"".join(head + b"/hls/s%d/%d.ts" % (n, n) + tail for n in numbers)
        elif kind == "facts":
            text = b"".join(nginx_line(country=f"X{n}", status=str(n % 1000), cache=f"C{n}") for n in numbers)
        else:
            text = b"".join(nginx_line(agent=f"{n}" * 50, args=f"CMCD=sid%3D{n}", seconds=f"{n}.125") for n in numbers)
        counter.take(text)
        if start % 4000 == 0:
            scene.ledger.commit()
    scene.ledger.commit()

count(0, 40_000)
before, series = peak_mebibytes(os.getpid()), sum(len(table) for table in scene.tables.public())
count(40_000, int(sys.argv[4]))
print(peak_mebibytes(os.getpid()) - before, sum(len(table) for table in scene.tables.public()) - series, series)
scene.close()
"""


def grown(folder: Path, kind: str, lines: int, form: str = "nginx") -> tuple[float, int, int]:
    """MiB and series by which a process has grown over the later lines, and the series before."""
    command = [sys.executable, "-c", MEASURE, str(folder), kind, form, str(lines)]
    memory, more, series = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(memory), int(more), int(series)


def test_made_up_streams_grow_nothing(tmp_path: Path) -> None:
    memory, more, series = grown(tmp_path, "paths", 120_000)
    assert memory < 8 and more == 0
    assert series < 50 * 6 + 60


def test_lines_of_made_up_streams_that_cannot_be_counted_grow_nothing(tmp_path: Path) -> None:
    memory, more, series = grown(tmp_path, "refused", 160_000)
    assert memory < 8 and more == 0 and series < 100


def test_made_up_facts_grow_nothing(tmp_path: Path) -> None:
    memory, more, series = grown(tmp_path, "facts", 120_000)
    assert memory < 8 and more <= 2 and series < 200


def test_made_up_viewers_and_times_grow_nothing(tmp_path: Path) -> None:
    memory, more, _ = grown(tmp_path, "viewers", 120_000)
    assert memory < 8 and more == 0


def test_the_slow_lane_is_bounded_too(tmp_path: Path) -> None:
    memory, more, _ = grown(tmp_path, "viewers", 80_000, "akamai")
    assert memory < 8 and more == 0


def test_escaped_quotes_cost_what_other_escapes_do(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx", hands_over=False)

    def seconds(text: str) -> float:
        line, spent = nginx_line(args=text, agent=text), []
        for _ in range(5):
            begun = time.process_time()
            counter.take(line)
            spent.append(time.process_time() - begun)
        return min(spent)

    assert seconds('\\"' * 15_000) < 10 * seconds("\\\\" * 15_000), "no quote is looked for from the start again"
    scene.close()


def test_a_stream_that_was_never_served_gets_no_series(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(b"".join(nginx_line(f"/hls/made-up-{n}/1.ts", status="404") for n in range(1_000)))
    counter.take(nginx_line("/hls/real/1.ts", status="503") + nginx_line("/hls/real/1.ts"))
    scene.ledger.commit()
    streams = {labels[1]: value for labels, value in scene.tables.requests.public.items()}
    assert set(streams) == {"_other", "real"}
    batch = scene.ledger.checkpoint.next_batch()
    assert batch is not None and batch.records == 1, "the session engine hears of served streams only"
    scene.close()


def test_a_stream_over_the_bound_is_folded_and_counted(tmp_path: Path) -> None:
    scene = Scene(tmp_path, max_streams=2)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(b"".join(nginx_line(f"/hls/s{n}/1.ts") for n in range(5)))
    scene.ledger.commit()
    assert {labels[1] for labels, _ in scene.tables.requests.public.items()} == {"s0", "s1", "_other"}
    assert scene.tables.requests.public.total() == 5
    assert scene.tables.dropped_series.public.get("streams") == 3
    scene.close()
