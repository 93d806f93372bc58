"""The stream table without a database: in memory, beginning with the simulated streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.mock import NAMES
from bridge.streams.record import StreamRecord
from bridge.streams.states import ALLOWED, RESULT, Move
from bridge.streams.store import StreamStore, TakenError, Wanted


class SimulatedStreamStore(StreamStore):
    """Keeps streams for as long as the process lives; the reflector sets the simulated ones live and ended."""

    def __init__(self, tenant_id: str) -> None:
        now = datetime.now(UTC)
        self._records = {name: _planned(name, tenant_id, now) for name in NAMES}

    def get(self, stream_id: str) -> StreamRecord | None:
        return self._records.get(stream_id)

    def by_key(self, key: str) -> StreamRecord | None:
        return next((one for one in self._records.values() if one.key == key), None)

    def page(self, wanted: Wanted) -> list[StreamRecord]:
        found = [
            one
            for one in self._newest_first()
            if wanted.tenant_id in (None, one.tenant_id)
            and wanted.status in (None, one.status)
            and (one.privacy == "public" or not wanted.public_only)
            and (wanted.after is None or (one.created_at, one.id) < wanted.after)
        ]
        return found[: wanted.limit]

    def of_channel(self, channel_id: str) -> list[StreamRecord]:
        return [one for one in self._newest_first() if one.channel_id == channel_id]

    def changed_since(self, instant: datetime, limit: int) -> list[StreamRecord]:
        changed = [one for one in self._records.values() if one.updated_at >= instant]
        return sorted(changed, key=lambda one: one.updated_at, reverse=True)[:limit]

    def ids(self) -> frozenset[str]:
        return frozenset(self._records)

    def registered(self, stream_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(self._records.keys() & set(stream_ids))

    def insert(self, row: Mapping[str, Any], key: str) -> StreamRecord:
        if row["id"] in self._records:
            raise TakenError(f"stream {row['id']!r} exists")
        now = datetime.now(UTC)
        made = StreamRecord(**{"status": "scheduled", "created_at": now, "updated_at": now, **_values(row), "key": key})
        self._records[made.id] = made
        return made

    def update(self, stream_id: str, fields: Mapping[str, Any]) -> StreamRecord | None:
        record = self._records.get(stream_id)
        if record is not None:
            record = replace(record, **_values(fields), updated_at=datetime.now(UTC))
            self._records[stream_id] = record
        return record

    def replace_key(self, stream_id: str, key: str) -> StreamRecord | None:
        return self.update(stream_id, {"key": key})

    def move(self, stream_id: str, move: Move, fields: Mapping[str, Any]) -> StreamRecord | None:
        record = self._records.get(stream_id)
        if record is None or record.status not in ALLOWED[move]:
            return None
        return self.update(stream_id, {**fields, "status": RESULT[move]})

    def delete(self, stream_id: str) -> bool:
        record = self._records.get(stream_id)
        if record is None or record.status not in ALLOWED["delete"]:
            return False
        del self._records[stream_id]
        return True

    def saw_publishing(self, stream_ids: Sequence[str]) -> None:
        for stream_id in stream_ids:
            if stream_id in self._records:
                self._records[stream_id] = replace(self._records[stream_id], last_published=datetime.now(UTC))

    def away(self, seconds: float) -> list[StreamRecord]:
        limit = datetime.now(UTC) - timedelta(seconds=seconds)
        live = [one for one in self._records.values() if one.status == "live"]
        return [one for one in live if max(one.last_published or limit, one.actual_start or limit) < limit]

    def _newest_first(self) -> list[StreamRecord]:
        return sorted(self._records.values(), key=lambda one: (one.created_at, one.id), reverse=True)


def _planned(name: str, tenant_id: str, now: datetime) -> StreamRecord:
    title = name.replace("-", " ").capitalize()
    return StreamRecord(
        id=name,
        tenant_id=tenant_id,
        user_id="simulation",
        channel_id="simulation",
        title=title,
        slug=name,
        status="scheduled",
        created_at=now,
        updated_at=now,
        key=f"simulated-key-of-{name}",
        tags=("simulated",),
    )


def _values(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if name == "tags" else value for name, value in fields.items()}
