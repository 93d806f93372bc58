"""Counts, positions and batches are stored together and shown only then."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from exporters.cdn.checkpoint import Checkpoint
from exporters.cdn.ledger import MAX_HANDED
from exporters.cdn.sources.folder import LogFolder
from exporters.cdn.sources.tail import LogTail
from exporters.errors import ConfigError
from exporters.handoff import read_batch
from tests.cdn.scene import Scene, nginx_line, rows
from tests.disks import no_file_over

KEY = ("nginx", "demo", "segment", "2xx", "hit")


def stored_tables(scene: Scene) -> list[object]:
    """Every series that is shown and not 0, but for what is known anew at each start."""
    tables = [
        table for table in scene.tables.public() if table not in (scene.tables.sampling, scene.tables.handoff_lag)
    ]
    states = [(table.family.name, row) for table in tables for row in table.state()]
    return sorted((name, row) for name, row in states if (row[2] if len(row) == 3 else row[1]))


def test_a_count_shows_once_it_is_stored(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(nginx_line() * 3)
    assert scene.tables.requests.public.total() == 0
    scene.ledger.commit()
    assert rows(scene.tables.requests.public) == {KEY: 3}
    scene.close()


def test_what_is_not_stored_is_neither_shown_nor_lost(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(nginx_line())
    scene.ledger.move("edge", {"offset": 7})
    base = scene.ledger.checkpoint._base
    base.execute("CREATE TRIGGER full BEFORE INSERT ON positions BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(sqlite3.Error, match="disk full"):
        scene.ledger.commit()
    assert scene.tables.requests.public.total() == 0
    assert scene.ledger.checkpoint.next_batch() is None
    assert scene.ledger.checkpoint.series() == []
    base.execute("DROP TRIGGER full")
    scene.ledger.commit()
    assert rows(scene.tables.requests.public) == {KEY: 1}
    assert scene.ledger.checkpoint.position("edge") == {"offset": 7}
    batch = scene.ledger.checkpoint.next_batch()
    assert batch is not None and batch.records == 1
    scene.close()


def test_a_restart_goes_on_where_the_checkpoint_was(tmp_path: Path) -> None:
    first = Scene(tmp_path)
    first.ledger.restore()
    _, counter = first.source("nginx", ratio=0.5)
    counter.take(nginx_line(seconds="0.300", cache="MISS") * 2)
    first.ledger.move("edge", {"offset": 42})
    first.ledger.commit()
    shown = stored_tables(first)
    counter.take(nginx_line())  # counted, not stored
    first.close()
    second = Scene(tmp_path)
    second.source("nginx", ratio=0.5)
    second.ledger.restore()
    assert second.ledger.checkpoint.position("edge") == {"offset": 42}
    assert stored_tables(second) == shown
    second.close()


def test_sequences_grow_through_restarts_and_a_lost_checkpoint(tmp_path: Path) -> None:
    sequences = []
    for run in range(3):
        if run == 2:
            for file in tmp_path.glob("state.db*"):
                file.unlink()
        scene = Scene(tmp_path)
        scene.ledger.restore()
        _, counter = scene.source("nginx")
        counter.take(nginx_line())
        scene.ledger.commit()
        batches = []
        while batch := scene.ledger.checkpoint.next_batch():
            batches.append(batch)
            scene.ledger.settle(batch, "taken")
        sequences += [batch.sequence for batch in batches]
        assert {batch.source for batch in batches} == {"here/edge"}
        scene.close()
    assert sequences[1] == sequences[0] + 1
    assert sequences[2] > sequences[1]


def test_a_batch_is_below_the_body_limit_and_in_order_of_time(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    args = "CMCD=" + "x" * 3_000
    lines = [nginx_line(args=args, time=1795425319 + n / 2_000) for n in range(1_500)]
    lines.insert(700, nginx_line(agent='q\\"', time=1795425319.0))
    counter.take(b"".join(lines))
    scene.ledger.commit()
    times: list[float] = []
    while batch := scene.ledger.checkpoint.next_batch():
        scene.ledger.settle(batch, "taken")
        assert len(batch.body) <= 1_000_000
        times += [record.time for record in read_batch(batch.body).records]
    assert len(times) == 1_501 and times == sorted(times)
    scene.close()


def test_a_full_outbox_drops_the_oldest_and_counts_them(tmp_path: Path) -> None:
    scene = Scene(tmp_path, limit_bytes=2_000)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    for _ in range(10):
        counter.take(nginx_line() * 5)
        scene.ledger.commit()
    scene.ledger.commit()
    records, size = scene.ledger.checkpoint.waiting()
    assert size <= 2_000
    assert scene.tables.handoff.public.get("dropped") == 50 - records
    assert scene.tables.handoff_lag.get() == records
    scene.close()


def test_what_cannot_be_stored_waits_and_no_more_is_read(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    tally, counter = scene.source("nginx")
    tail = LogTail(tmp_path / "edge.json", tally, counter, scene.ledger)
    scene.ledger.restore()
    lines = [nginx_line(size=number, time=scene.now) for number in range(3 * MAX_HANDED)]
    (tmp_path / "edge.json").write_bytes(b"".join(lines))
    with no_file_over(10):
        while tail.turn():
            pass
        waiting = len(tally.handed)
        assert MAX_HANDED <= waiting < 2 * MAX_HANDED
        assert not scene.ledger.make_room()
    while tail.turn():
        pass
    scene.ledger.commit()
    assert scene.tables.requests.public.total() == len(lines)
    assert scene.tables.response_bytes.public.total() == sum(range(len(lines)))
    assert sum(scene.ledger.checkpoint.waiting()[:1]) == len(lines)
    tail.stop()
    scene.close()


def test_records_with_long_texts_are_stored_sooner(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    line = nginx_line(args="CMCD=" + "x" * 5_000)
    while not scene.ledger.is_full():
        counter.take(line * 10)
    assert scene.ledger.make_room()
    assert 1_500 < scene.ledger.checkpoint.waiting()[0] < 2_500
    scene.close()


def test_a_folder_is_gone_on_with_where_it_was_when_nothing_could_be_stored(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    tally, counter = scene.source("nginx")
    folder = LogFolder(tmp_path / "*.log", tally, counter, scene.ledger, now=lambda: scene.now)
    scene.ledger.restore()
    (tmp_path / "one.log").write_bytes(nginx_line(time=scene.now) * 2 * MAX_HANDED)
    os.utime(tmp_path / "one.log", (scene.now - 60, scene.now - 60))
    with no_file_over(10), pytest.raises(sqlite3.Error):
        folder.turn()
    folder.turn()
    scene.ledger.commit()
    assert scene.tables.requests.public.total() == 2 * MAX_HANDED
    scene.close()


def test_an_ended_stream_is_removed_after_its_retention(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(nginx_line() + nginx_line("/hls/other/1.ts"))
    scene.ledger.commit()
    scene.now += 590
    counter.take(nginx_line(time=scene.now))
    scene.ledger.commit()
    scene.now += 31
    scene.ledger.commit()
    assert {labels[1] for labels in rows(scene.tables.requests.public)} == {"demo"}
    assert not [labels for _, labels, _ in scene.ledger.checkpoint.series() if "other" in labels and len(labels) > 3]
    counter.take(nginx_line("/hls/other/1.ts", time=scene.now))
    scene.ledger.commit()
    assert scene.tables.requests.public.get("nginx", "other", "segment", "2xx", "hit") == 1
    scene.close()


def test_a_checkpoint_serves_one_exporter(tmp_path: Path) -> None:
    first = Checkpoint(tmp_path / "state.db")
    first.open()
    first.store([], {"edge": {"offset": 1}})
    with pytest.raises(ConfigError, match=r"CDN_STATE: cannot use .* does another exporter use it"):
        Checkpoint(tmp_path / "state.db").open()
    first.close()


def test_what_is_counted_under_other_stays_through_a_restart_and_a_long_time(tmp_path: Path) -> None:
    for run in range(2):
        scene = Scene(tmp_path)
        scene.ledger.restore()
        _, counter = scene.source("nginx")
        counter.take(nginx_line(path="/favicon.ico", status="404"))
        scene.now += 700 * run
        scene.ledger.commit()
        other = ("nginx", "_other", "other", "4xx", "hit")
        assert rows(scene.tables.requests.public) == {other: run + 1}
        scene.close()


def test_a_restart_admits_no_more_points_of_presence(tmp_path: Path) -> None:
    for run in range(2):
        scene = Scene(tmp_path)
        scene.ledger.restore()
        _, counter = scene.source("nginx")
        counter.take(b"".join(nginx_line(pop=f"{run}-{number}") for number in range(5)))
        scene.ledger.commit()
        assert {labels[1] for labels in rows(scene.tables.by_pop.public)} == {"0-0", "0-1", "0-2", "_other"}
        scene.close()


def test_streams_beyond_a_bound_that_was_lowered_go_in_their_time(tmp_path: Path) -> None:
    for bound in (5, 2):
        scene = Scene(tmp_path, max_streams=bound)
        scene.ledger.restore()
        _, counter = scene.source("nginx")
        if bound == 5:
            counter.take(b"".join(nginx_line(path=f"/live/s{number}/1.ts") for number in range(5)))
        scene.ledger.commit()
        assert len(rows(scene.tables.requests.public)) == 5
        if bound == 2:
            scene.now += 700
            scene.ledger.commit()
            assert rows(scene.tables.requests.public) == {}
        scene.close()


def test_a_disk_that_was_full_leaves_no_phantoms_in_the_outbox(tmp_path: Path) -> None:
    scene = Scene(tmp_path, limit_bytes=10_000)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(nginx_line() * 5)
    with no_file_over(10):
        for _ in range(100):
            with pytest.raises(sqlite3.Error):
                scene.ledger.commit()
    scene.ledger.commit()
    assert scene.ledger.checkpoint.waiting()[0] == 5
    assert scene.tables.handoff.public.get("dropped") == 0
    scene.close()


def test_a_sum_over_64_bits_is_stored_as_near_as_it_can_be(tmp_path: Path) -> None:
    total = 0.0
    for run in (1, 2):
        scene = Scene(tmp_path)
        scene.ledger.restore()
        _, counter = scene.source("nginx")
        scene.tables.response_bytes.add((1 << 63) - 1, *KEY[:3], KEY[4])
        counter.take(nginx_line(size=1_000))
        scene.ledger.commit()
        total = scene.tables.response_bytes.public.total()
        assert total == pytest.approx(run * 2.0**63)
        scene.close()
    assert total > 2.0**63


def test_what_became_of_a_batch_is_counted_with_its_removal(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    counter.take(nginx_line() * 7)
    scene.ledger.commit()
    batch = scene.ledger.checkpoint.next_batch()
    assert batch is not None
    scene.ledger.settle(batch, "taken")
    scene.close()  # without another commit, as when the process is killed
    again = Scene(tmp_path)
    again.ledger.restore()
    assert again.tables.handoff.public.get("taken") == 7
    assert again.ledger.checkpoint.next_batch() is None
    again.close()


def test_the_batch_that_has_waited_longest_goes_first_whatever_its_source(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.restore()
    counters = [scene.source("nginx", name=name)[1] for name in ("young", "old")]
    for number in (1, 0, 1):
        counters[number].take(nginx_line())
        scene.ledger.commit()
    sources = []
    while batch := scene.ledger.checkpoint.next_batch():
        sources.append(batch.source)
        scene.ledger.settle(batch, "taken")
    assert sources == ["here/old", "here/young", "here/old"]
    scene.close()
