"""Hostile lines raise neither memory nor the number of series."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cdn.scene import Scene, nginx_line
from tests.cdn.test_formats import VENDORS

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

MEASURE_LONG = r"""
import os, re, sys
from pathlib import Path
from benchmarks.processes import peak_mebibytes
from tests.cdn.scene import FIXTURES, Scene

scene = Scene(Path(sys.argv[1]))
scene.ledger.restore()
_, counter = scene.source(sys.argv[3], hands_over=False)
text = (FIXTURES / sys.argv[2]).read_bytes()
(line,) = [line for line in text.splitlines() if b"240000" in line]
line = line.replace(b'": ', b'":').replace(b', "', b',"')
ends = [found.start() for found in re.finditer(rb'(?="[],} ])|(?=[\t ])|(?="?$)', line)]

def count(lines):
    for end in ends:
        for long in (b"x" * 60_000, b"7" * 60_000, "\U0001f600".encode() * 15_000):
            counter.begin(text[:4096])
            for number in range(lines):
                counter.take(line[:end] + b"%09d" % number + long + line[end:] + b"\n")
        scene.ledger.commit()

count(2)
before = peak_mebibytes(os.getpid())
count(80)
print(peak_mebibytes(os.getpid()) - before, len(ends), int(scene.tables.records.public.total()))
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


@pytest.mark.parametrize("fixture", [*VENDORS, "combined.log"])
def test_long_texts_in_any_field_grow_nothing(tmp_path: Path, fixture: str) -> None:
    form = VENDORS[fixture][0] if fixture in VENDORS else "combined"
    command = [sys.executable, "-c", MEASURE_LONG, str(tmp_path), fixture, form]
    memory, fields, lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(lines) == int(fields) * 3 * 82
    assert float(memory) < 4, "80 lines of a field are 4.6 MiB"


def test_what_waits_for_the_session_engine_has_bounded_texts(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    tally, counter = scene.source("nginx")
    long = "x" * 10_000
    line = nginx_line(args=f"CMCD={long}", agent=long).replace(b"203.0.113.7", long.encode())
    counter.take(line.replace(b'"viewer_id":"', b'"viewer_id":"' + long.encode()))
    (record,) = tally.handed
    assert [len(one) for one in (record.address, record.user_agent, record.signed_id, record.cmcd)] == [
        *(64, 512, 128, 4096)
    ]


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
