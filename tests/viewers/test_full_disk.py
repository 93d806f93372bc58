"""A disk without room costs nothing: what it refuses is kept, and written when it has room again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.viewers.spool import SpoolReader, SpoolWriter
from exporters.viewers.store import RETRY_SECONDS
from tests.disks import no_file_over
from tests.viewers.making import START, Clock, Kept, report


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path, Clock())
    yield one
    one.kill()


def watch(kept: Kept, session: str, seconds: int) -> None:
    """A viewer who watches and says goodbye."""
    for second in range(seconds):
        kept.clock.now += 1
        kept.shard.take([report(session, kept.clock.now, sequence=second)])
    kept.shard.take([report(session, kept.clock.now, sequence=seconds, state="q")])


def journal_bytes(kept: Kept) -> int:
    return max(path.stat().st_size for path in (kept.folder / "state").glob("journal-*"))


def test_records_that_do_not_fit_are_held_and_written_whole_and_in_order(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path)
    writer.write({"number": 0})
    (path,) = tmp_path.glob("*.open")
    with no_file_over(path.stat().st_size + 10):
        assert writer.write({"number": 1})
        assert writer.write({"number": 2})
    assert len(writer.held()) == 2
    writer.turn()
    writer.close()
    (file,) = SpoolReader(tmp_path).files()
    assert ([record["number"] for record in file.records], file.damaged) == ([0, 1, 2], 0)


def test_records_that_wait_for_room_survive_a_kill(kept: Kept) -> None:
    watch(kept, "a", 20)
    with no_file_over(10):
        kept.tick(kept.clock.now + 10)
    assert len(kept.shard.spool.held()) == 1
    kept.store.checkpoint()
    kept.kill()
    kept.start()
    kept.shard.spool.turn()
    (row,) = kept.rows("session")
    assert (row["played"], row["watch_seconds"]) == (True, 19)


def test_a_journal_goes_on_after_a_line_that_did_not_fit(kept: Kept) -> None:
    kept.shard.take([report("a", START + 1, sequence=0)])
    with no_file_over(journal_bytes(kept) + 10):
        kept.shard.take([report("b", START + 1, sequence=0)])
    kept.shard.take([report("c", START + 1, sequence=0)])
    kept.kill()
    kept.start()
    assert {session.session_id for session in kept.shard.engine.sessions.values()} == {"a", "c"}


def test_what_the_journal_has_not_is_soon_in_a_checkpoint(kept: Kept) -> None:
    kept.shard.take([report("a", START + 1, sequence=0)])
    with no_file_over(10):
        kept.shard.take([report("b", START + 1, sequence=0)])
        kept.clock.now = START + 2
        kept.store.turn()
    assert not list((kept.folder / "state").glob("checkpoint-*"))
    kept.clock.now += RETRY_SECONDS
    kept.store.turn()
    kept.kill()
    kept.start()
    assert {session.session_id for session in kept.shard.engine.sessions.values()} == {"a", "b"}


def test_after_a_checkpoint_that_failed_the_next_one_is_true(kept: Kept) -> None:
    for session in "ab":
        kept.shard.take([report(session, START + 1, sequence=0)])
    with no_file_over(10), pytest.raises(OSError):
        kept.store.checkpoint()
    watch(kept, "a", 10)
    kept.tick(kept.clock.now + 6)
    kept.store.checkpoint()
    kept.kill()
    kept.start()
    assert [session.session_id for session in kept.shard.engine.sessions.values()] == ["b"]
    assert kept.shard.engine.broadcasts["demo"].concurrent == 1
