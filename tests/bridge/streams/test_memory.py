"""The streams held in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.streams.memory import StreamMemory
from bridge.streams.record import StreamRecord

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def record(stream_id: str, key: str = "") -> StreamRecord:
    return StreamRecord(stream_id, "acme", "ann", "ch", stream_id, stream_id, "scheduled", NOW, NOW, key=key or None)


def test_the_stream_touched_longest_ago_makes_room() -> None:
    memory = StreamMemory(limit=2)
    memory.put([record("a"), record("b")])
    memory.put([record("a"), record("c")])
    assert memory.get("b") is None
    assert {one.id for one in memory.all()} == {"a", "c"}


def test_deleted_streams_are_swept() -> None:
    memory = StreamMemory(limit=10)
    memory.put([record("a"), record("b")])
    memory.keep_only(frozenset({"b"}))
    assert [one.id for one in memory.all()] == ["b"]


def test_a_stream_is_found_by_its_key() -> None:
    memory = StreamMemory(limit=10)
    memory.put([record("a", "ka"), record("b", "kb")])
    found = memory.by_key("kb")
    assert found is not None and found.id == "b"
    assert memory.by_key("kc") is None


def test_an_unknown_stream_is_remembered_for_seconds_only() -> None:
    now = [100.0]
    memory = StreamMemory(limit=10, clock=lambda: now[0])
    memory.note_unknown("a")
    assert memory.is_unknown("a")
    now[0] += 5.1
    assert not memory.is_unknown("a")


def test_a_stream_that_appears_is_not_unknown_any_more() -> None:
    memory = StreamMemory(limit=10)
    memory.note_unknown("a")
    memory.put([record("a")])
    assert not memory.is_unknown("a")


def test_the_memory_of_unknown_streams_is_bounded() -> None:
    memory = StreamMemory(limit=10, clock=lambda: 0.0)
    for number in range(10_001):
        memory.note_unknown(str(number))
    assert not memory.is_unknown("0")
    assert memory.is_unknown("10000")
