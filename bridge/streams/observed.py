"""Streams as the metrics show them: what can be said of a stream without a database."""

from __future__ import annotations

from datetime import UTC, datetime

from bridge.numbers import count
from bridge.snapshot import Snapshot, StreamState
from bridge.streams.record import Status, StreamRecord
from prometheus import queries


def observed_stream(state: StreamState, taken: float, tenant_id: str) -> StreamRecord:
    """A stream that is or was published, named by its id."""
    first = state.value(queries.STREAM_FIRST_START)
    started = datetime.fromtimestamp(taken if first is None else first, UTC)
    status: Status = "live" if state.publishing else "ended"
    return StreamRecord(
        id=state.stream,
        tenant_id=tenant_id,
        user_id="",
        channel_id=state.stream,
        title=state.stream,
        slug=state.stream,
        status=status,
        created_at=started,
        updated_at=datetime.fromtimestamp(taken, UTC),
        actual_start=started,
    )


def observed_streams(snapshot: Snapshot, tenant_id: str) -> list[StreamRecord]:
    """The streams whose publishing the metrics know of, newest first."""
    seen = [
        observed_stream(state, snapshot.taken, tenant_id)
        for state in snapshot.streams.values()
        if state.value(queries.STREAM_UP) is not None
    ]
    return sorted(seen, key=lambda one: (one.created_at, one.id), reverse=True)


def totals(snapshot: Snapshot, record: StreamRecord) -> dict[str, int]:
    """Peak and views of a stream: the larger of what was kept before and what the metrics show."""
    state = snapshot.streams.get(record.id, StreamState(record.id))
    peak = max(count(state.value(queries.VIEWERS)), count(state.value(queries.PEAK_VIEWERS)))
    return {
        "peak_viewers": max(record.peak_viewers, peak),
        "total_views": max(record.total_views, count(state.value(queries.PLAYS))),
    }
