"""The streams held in memory: look-ups that need no database, and go on while it is away."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock

from bridge.streams.record import StreamRecord

UNKNOWN_SECONDS = 5.0
UNKNOWN_LIMIT = 10_000


class StreamMemory:
    """The streams changed last, by id; the one that was touched longest ago makes room."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._records: OrderedDict[str, StreamRecord] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def get(self, stream_id: str) -> StreamRecord | None:
        return self._records.get(stream_id)

    def put(self, records: Iterable[StreamRecord]) -> None:
        with self._lock:
            for record in records:
                self._records[record.id] = record
                self._records.move_to_end(record.id)
                self._unknown.pop(record.id, None)
            while len(self._records) > self._limit:
                self._records.popitem(last=False)

    def forget(self, stream_id: str) -> None:
        with self._lock:
            self._records.pop(stream_id, None)

    def note_unknown(self, stream_id: str) -> None:
        """Remember for a few seconds that the database has no such stream."""
        with self._lock:
            self._unknown[stream_id] = self._clock() + UNKNOWN_SECONDS
            while len(self._unknown) > UNKNOWN_LIMIT:
                self._unknown.popitem(last=False)

    def is_unknown(self, stream_id: str) -> bool:
        """Whether the database was asked for it in the last seconds, and had none."""
        return self._unknown.get(stream_id, 0.0) > self._clock()

    def keep_only(self, stream_ids: frozenset[str]) -> None:
        """Forget every stream that is not among these."""
        with self._lock:
            for gone in [one for one in self._records if one not in stream_ids]:
                del self._records[gone]

    def by_key(self, key: str) -> StreamRecord | None:
        """The stream with this key, by going through all: for the time without a database only."""
        return next((one for one in self.all() if one.key == key), None)

    def all(self) -> tuple[StreamRecord, ...]:
        with self._lock:
            return tuple(self._records.values())
