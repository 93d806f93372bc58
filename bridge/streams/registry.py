"""The stream registry: who owns which stream, its state, and its key."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bridge import problems
from bridge.database import DatabaseUnavailableError
from bridge.snapshot import SnapshotStore
from bridge.streams.keys import KeyBox
from bridge.streams.memory import StreamMemory
from bridge.streams.observed import observed_streams, totals
from bridge.streams.record import StreamRecord
from bridge.streams.states import Move, WrongMoveError, check_move
from bridge.streams.store import StreamStore, TakenError, Wanted


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a stream is, and who may watch it."""

    tenant_id: str
    privacy: str


HIDDEN = Owner("", "private")
"""The owner of a stream while nobody can say whose it is: no tenant's, so that only admins see it."""


class StreamRegistry:
    """Streams in the database, with the last changed ones in memory; without one, what the metrics show, read-only.

    Methods raise Problems: 404 for an unknown stream, 409 for a wrong move, 503 where only the database could answer.
    """

    def __init__(
        self, store: StreamStore | None, snapshots: SnapshotStore, default_tenant: str, memory: StreamMemory
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._default_tenant = default_tenant
        self._memory = memory

    @property
    def is_durable(self) -> bool:
        """Whether there is a database behind it."""
        return self._store is not None

    def get(self, stream_id: str) -> StreamRecord | None:
        """A registered stream, as it was seconds ago; None for another. Asks the database only on a first miss."""
        record, _ = self._look_up(stream_id)
        return record

    def owner_of(self, stream_id: str) -> Owner | None:
        """Whose a stream is, as it was seconds ago; None for one that is not registered."""
        record, certain = self._look_up(stream_id)
        if record is not None:
            return Owner(record.tenant_id, record.privacy)
        return None if certain else HIDDEN

    def tenant_of(self, stream_id: str) -> str:
        """The tenant of a stream; the default one where it is not registered."""
        owner = self.owner_of(stream_id)
        return self._default_tenant if owner is None else owner.tenant_id

    def find(self, stream_id: str) -> StreamRecord | None:
        """A stream: from the database, or memory while that is away, or the metrics where neither has it.

        Raises a 503 Problem while the database is away and nothing is known of the stream.
        """
        if self._store is None:
            return self._find_observed(stream_id)
        try:
            record = self._store.get(stream_id)
        except DatabaseUnavailableError as error:
            record = self._memory.get(stream_id) or self._find_observed(stream_id)
            if record is None:
                raise problems.unavailable(str(error)) from error
            return record
        if record is None:
            record = self._find_observed(stream_id)
            return record if record is not None and record.status == "live" else None
        return record

    def require(self, stream_id: str) -> StreamRecord:
        """A stream as ``find`` gives it; raises a 404 Problem."""
        record = self.find(stream_id)
        if record is None:
            raise problems.not_found("stream", stream_id)
        return record

    def check_registered(self, stream_id: str) -> None:
        """Raises a 409 Problem for a stream that is published, but that nobody has registered."""
        if self.is_durable and self.get(stream_id) is None:
            raise problems.conflict(f"stream {stream_id!r} is published but not registered; register it by this id")

    def page(self, wanted: Wanted) -> list[StreamRecord]:
        """The streams that are wanted, newest first, from the same places as ``find``."""
        if self._store is None:
            return _page(self._observed(), wanted)
        try:
            return _page([*self._unregistered(self._store), *self._store.page(wanted)], wanted)
        except DatabaseUnavailableError:
            hidden = [replace(one, tenant_id=HIDDEN.tenant_id, privacy="private") for one in self._observed()]
            return _page([*hidden, *self._memory.all()], wanted)

    def of_channel(self, channel_id: str) -> frozenset[str]:
        """The ids of a channel's streams."""
        if self._store is not None:
            try:
                return frozenset(one.id for one in self._store.of_channel(channel_id))
            except DatabaseUnavailableError:
                pass
        known = (*self._observed(), *self._memory.all())
        return frozenset(one.id for one in known if one.channel_id == channel_id)

    def create(self, fields: Mapping[str, Any], tenant_id: str, user_id: str) -> StreamRecord:
        """Register a stream with a fresh key; raises a 409 Problem when its id is taken."""
        stream_id = fields.get("id") or secrets.token_hex(8)
        row = {
            "channel_id": user_id or tenant_id,
            **fields,
            "id": stream_id,
            "tenant_id": tenant_id,
            "user_id": user_id,
            "slug": slug(fields["title"]) or stream_id,
        }
        with _problems():
            return self._keep(self._durable().insert(row, KeyBox.generate()))

    def change(self, stream_id: str, fields: Mapping[str, Any]) -> StreamRecord:
        """Set these fields."""
        row = {**fields, "slug": slug(fields["title"]) or stream_id} if "title" in fields else fields
        with _problems():
            return self._keep(_found(self._durable().update(stream_id, row), stream_id))

    def rotate_key(self, stream_id: str) -> StreamRecord:
        """Give a stream a fresh key; publishing under the one before is refused from now on."""
        with _problems():
            return self._keep(_found(self._durable().replace_key(stream_id, KeyBox.generate()), stream_id))

    def move(self, stream_id: str, move: Move, fields: Mapping[str, Any]) -> StreamRecord:
        """Make a move of the state machine with these fields; raises a 409 Problem where the state forbids it."""
        with _problems():
            moved = self._durable().move(stream_id, move, fields)
            if moved is None:
                check_move(stream_id, self.require(stream_id).status, move)
                raise problems.conflict(f"stream {stream_id!r} has just changed; read it again")
            return self._keep(moved)

    def start(self, stream_id: str) -> StreamRecord:
        return self.move(stream_id, "start", {"actual_start": datetime.now(UTC)})

    def stop(self, stream_id: str) -> StreamRecord:
        """End a live stream for good, with the totals that the metrics show."""
        fields = {"actual_end": datetime.now(UTC), "ended_by": "caller", **self._totals(stream_id)}
        return self.move(stream_id, "stop", fields)

    def delete(self, stream_id: str) -> None:
        with _problems():
            if not self._durable().delete(stream_id):
                check_move(stream_id, self.require(stream_id).status, "delete")
            self._memory.forget(stream_id)

    def publish(self, key: str) -> str | None:
        """The stream that may be published with this key; None for a wrong key, or a stream that is over.

        A key that was read before goes on working while the database is away.
        """
        try:
            record = self._durable().by_key(key)
        except DatabaseUnavailableError as error:
            record = self._memory.by_key(key)
            if record is None:
                raise problems.unavailable(str(error)) from error
        if record is None or record.status == "cancelled":
            return None
        if record.status == "ended" and record.ended_by != "absence":
            return None
        return record.id

    def _look_up(self, stream_id: str) -> tuple[StreamRecord | None, bool]:
        """A stream from memory, else from the database; and whether its absence is certain."""
        record = self._memory.get(stream_id)
        if record is not None or self._store is None or self._memory.is_unknown(stream_id):
            return record, True
        try:
            record = self._store.get(stream_id)
        except DatabaseUnavailableError:
            return None, False
        if record is None:
            self._memory.note_unknown(stream_id)
        else:
            self._memory.put([record])
        return record, True

    def _totals(self, stream_id: str) -> dict[str, int]:
        snapshot = self._snapshots.present
        return {} if snapshot is None else totals(snapshot, self.require(stream_id))

    def _observed(self) -> list[StreamRecord]:
        snapshot = self._snapshots.present
        return [] if snapshot is None else observed_streams(snapshot, self._default_tenant)

    def _unregistered(self, store: StreamStore) -> list[StreamRecord]:
        """The streams that are published now, but that nobody has registered; raises DatabaseUnavailableError."""
        live = [one for one in self._observed() if one.status == "live" and self._memory.get(one.id) is None]
        registered = store.registered([one.id for one in live]) if live else frozenset()
        return [one for one in live if one.id not in registered]

    def _find_observed(self, stream_id: str) -> StreamRecord | None:
        return next((one for one in self._observed() if one.id == stream_id), None)

    def _durable(self) -> StreamStore:
        if self._store is None:
            raise problems.unavailable("this needs a database; none is configured (DATABASE_URL)", 60)
        return self._store

    def _keep(self, record: StreamRecord) -> StreamRecord:
        self._memory.put([record])
        return record


def slug(title: str) -> str:
    """A title as it can stand in a URL: ``Grüße & more`` → ``grusse-more``."""
    plain = unicodedata.normalize("NFKD", title.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:80]


def _found(record: StreamRecord | None, stream_id: str) -> StreamRecord:
    if record is None:
        raise problems.not_found("stream", stream_id)
    return record


@contextmanager
def _problems() -> Iterator[None]:
    """What the registry's parts raise, as the API answers it."""
    try:
        yield
    except (WrongMoveError, TakenError) as error:
        raise problems.conflict(str(error)) from error
    except DatabaseUnavailableError as error:
        raise problems.unavailable(str(error)) from error


def _page(records: Iterable[StreamRecord], wanted: Wanted) -> list[StreamRecord]:
    """The wanted ones of these; of two with the same id, the later."""
    found = [
        one
        for one in {one.id: one for one in records}.values()
        if wanted.tenant_id in (None, one.tenant_id)
        and wanted.status in (None, one.status)
        and (one.privacy == "public" or not wanted.public_only)
        and (wanted.after is None or (one.created_at, one.id) < wanted.after)
    ]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)[: wanted.limit]
