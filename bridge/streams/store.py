"""The registry's rows in PostgreSQL."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.database import Connection, Database, DatabaseUnavailableError
from bridge.streams.keys import KeyBox
from bridge.streams.record import Status, StreamRecord
from bridge.streams.states import ALLOWED, RESULT, Move

COLUMNS = (
    "id, tenant_id, user_id, channel_id, title, slug, status, created_at, updated_at, key_sealed, description,"
    " scheduled_start, actual_start, actual_end, ended_by, last_published, peak_viewers, total_views, thumbnail_url,"
    " tags, category, privacy, chat_enabled, recording_enabled, donations_enabled"
)
WRITABLE = frozenset(COLUMNS.split(", ")) - {"created_at", "updated_at", "key_sealed"}


class TakenError(Exception):
    """Another stream has this id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which streams a list asks for; ``after`` is (created_at, id) of the last stream of the page before."""

    limit: int
    tenant_id: str | None = None
    status: Status | None = None
    public_only: bool = False
    after: tuple[datetime, str] | None = None


class StreamStore:
    """The table ``streams``; every method raises DatabaseUnavailableError when the database does not answer.

    After a failure it says so for ``rest_seconds`` without asking, so that nobody waits for a database that is away.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyBox,
        rest_seconds: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._keys = keys
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._resting_until = -math.inf

    def get(self, stream_id: str) -> StreamRecord | None:
        if "\0" in stream_id:
            return None  # PostgreSQL cannot be asked for it
        return self._one(f"SELECT {COLUMNS} FROM streams WHERE id = %s", (stream_id,))

    def by_key(self, key: str) -> StreamRecord | None:
        """The stream with this key."""
        return self._one(f"SELECT {COLUMNS} FROM streams WHERE key_digest = %s", (self._keys.digest(key),))

    def page(self, wanted: Wanted) -> list[StreamRecord]:
        """The streams that are wanted, newest first."""
        conditions: list[str] = []
        values: list[Any] = []
        if wanted.tenant_id is not None:
            conditions.append("tenant_id = %s")
            values.append(wanted.tenant_id)
        if wanted.status is not None:
            conditions.append("status = %s")
            values.append(wanted.status)
        if wanted.public_only:
            conditions.append("privacy = 'public'")
        if wanted.after is not None:
            conditions.append("(created_at, id) < (%s, %s)")
            values.extend(wanted.after)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        return self._all(
            f"SELECT {COLUMNS} FROM streams {where} ORDER BY created_at DESC, id DESC LIMIT %s",
            (*values, wanted.limit),
        )

    def of_channel(self, channel_id: str) -> list[StreamRecord]:
        """The streams of a channel, newest first, at most 1000."""
        if "\0" in channel_id:
            return []
        return self._all(
            f"SELECT {COLUMNS} FROM streams WHERE channel_id = %s ORDER BY created_at DESC LIMIT 1000", (channel_id,)
        )

    def changed_since(self, instant: datetime, limit: int) -> list[StreamRecord]:
        """The streams changed at or after ``instant``, the last changed first."""
        return self._all(
            f"SELECT {COLUMNS} FROM streams WHERE updated_at >= %s ORDER BY updated_at DESC LIMIT %s", (instant, limit)
        )

    def ids(self) -> frozenset[str]:
        """The ids of all streams."""
        with self._statements() as connection:
            return frozenset(row[0] for row in connection.execute(b"SELECT id FROM streams"))

    def registered(self, stream_ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids are in use."""
        asked = [one for one in stream_ids if "\0" not in one]
        with self._statements() as connection:
            return frozenset(
                row[0] for row in connection.execute(b"SELECT id FROM streams WHERE id = ANY(%s)", (asked,))
            )

    def insert(self, row: Mapping[str, Any], key: str) -> StreamRecord:
        """Make a stream; raises TakenError when its id is in use."""
        values = {**_checked(row), "key_digest": self._keys.digest(key), "key_sealed": self._keys.seal(key)}
        places = ", ".join(f"%({name})s" for name in values)
        made = self._one(
            f"INSERT INTO streams ({', '.join(values)}) VALUES ({places}) ON CONFLICT (id) DO NOTHING"
            f" RETURNING {COLUMNS}",
            values,
        )
        if made is None:
            raise TakenError(f"stream {row['id']!r} exists")
        return made

    def update(self, stream_id: str, fields: Mapping[str, Any]) -> StreamRecord | None:
        """Set these fields; None when there is no such stream."""
        values = _checked(fields)
        changes = "".join(f"{name} = %({name})s, " for name in values)
        return self._one(
            f"UPDATE streams SET {changes}updated_at = now() WHERE id = %(stream_id)s RETURNING {COLUMNS}",
            {**values, "stream_id": stream_id},
        )

    def replace_key(self, stream_id: str, key: str) -> StreamRecord | None:
        """Give the stream another key; the one before is worth nothing from now on."""
        return self._one(
            "UPDATE streams SET key_digest = %s, key_sealed = %s, updated_at = now() WHERE id = %s"
            f" RETURNING {COLUMNS}",
            (self._keys.digest(key), self._keys.seal(key), stream_id),
        )

    def move(self, stream_id: str, move: Move, fields: Mapping[str, Any]) -> StreamRecord | None:
        """Make a move with these fields, unless another process was faster; None when the state forbids it."""
        values = {**_checked(fields), "status": RESULT[move]}
        changes = "".join(f"{name} = %({name})s, " for name in values)
        return self._one(
            f"UPDATE streams SET {changes}updated_at = now() WHERE id = %(stream_id)s AND status = ANY(%(allowed)s)"
            f" RETURNING {COLUMNS}",
            {**values, "stream_id": stream_id, "allowed": sorted(ALLOWED[move])},
        )

    def delete(self, stream_id: str) -> bool:
        """Remove a stream that is not live; whether that was so."""
        return (
            self._one(
                f"DELETE FROM streams WHERE id = %s AND status = ANY(%s) RETURNING {COLUMNS}",
                (stream_id, sorted(ALLOWED["delete"])),
            )
            is not None
        )

    def saw_publishing(self, stream_ids: Sequence[str]) -> None:
        """Remember that these streams are published now."""
        with self._statements() as connection:
            connection.execute(b"UPDATE streams SET last_published = now() WHERE id = ANY(%s)", (list(stream_ids),))

    def away(self, seconds: float) -> list[StreamRecord]:
        """The live streams that nobody has published for so long."""
        return self._all(
            f"SELECT {COLUMNS} FROM streams WHERE status = 'live'"
            " AND greatest(last_published, actual_start) < now() - make_interval(secs => %s)",
            (seconds,),
        )

    def _one(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> StreamRecord | None:
        found = self._all(sql, values)
        return found[0] if found else None

    def _all(self, sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[StreamRecord]:
        with self._statements() as connection:
            return [self._record(row) for row in connection.execute(sql.encode(), values).fetchall()]

    @contextmanager
    def _statements(self) -> Iterator[Connection]:
        if self._clock() < self._resting_until:
            raise DatabaseUnavailableError("the database does not answer")
        try:
            with self._database.connection() as connection:
                yield connection
        except DatabaseUnavailableError:
            self._resting_until = self._clock() + self._rest_seconds
            raise

    def _record(self, row: Sequence[Any]) -> StreamRecord:
        values = dict(zip(COLUMNS.split(", "), row, strict=True))
        values["tags"] = tuple(values["tags"])
        values["key"] = self._keys.unseal(values.pop("key_sealed"))
        return StreamRecord(**values)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with texts as the columns want them; raises ValueError for a name that is no column."""
    unknown = fields.keys() - WRITABLE
    if unknown:
        raise ValueError(f"no columns of streams: {', '.join(sorted(unknown))}")
    return {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
