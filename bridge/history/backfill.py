"""Minutes from where history ends to now: in chunks, each stored together with how far it reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bridge.database import Connection
from bridge.history.minutes import store_minutes
from bridge.history.scopes import Tenants
from bridge.history.series import MINUTE_SECONDS, RangeSource, read_minutes

WATERMARK = "minutes"


@dataclass(frozen=True, slots=True)
class Reach:
    """How the recorder reaches back; times in seconds."""

    grace_seconds: float = 15.0
    first_seconds: float = 86400.0
    most_seconds: float = 31 * 86400.0
    chunk_minutes: int = 30


class Backfill:
    """Advances the watermark chunk by chunk; a chunk's rows and the new watermark commit together or not at all."""

    def __init__(
        self,
        source: RangeSource,
        default_tenant: str,
        reach: Reach,
        count: Callable[[int, str, str], None] = lambda number, table, result: None,
        clock: Callable[[], float] = time.time,
        source_clock: Callable[[], float] = time.time,
    ) -> None:
        """``source_clock`` is the clock of who measured: where ours is ahead of it, a minute may not be over yet."""
        self._source = source
        self._default_tenant = default_tenant
        self._reach = reach
        self._count = count
        self._clock = clock
        self._source_clock = source_clock

    def turn(self, connection: Connection) -> bool:
        """Store the next chunk, if a minute is due; whether more are. Raises what source and database raise."""
        start = self._start(connection)
        due = self.due()
        if start < due:
            due = min(due, self._end_of_minute(self._source_clock()))
        if start >= due:
            return False
        end = min(due, start + self._reach.chunk_minutes * MINUTE_SECONDS)
        self.store(connection, start, end, advance=True)
        return end < due

    def store(self, connection: Connection, start: int, end: int, *, advance: bool) -> int:
        """Read and store the minutes from ``start`` up to ``end`` (Unix seconds); gives the number of rows."""
        with connection.transaction():
            tenants = Tenants.load(connection, self._default_tenant)
            rows = read_minutes(self._source, tenants, start, end)
            store_minutes(connection, rows, tenants)
            if advance:
                set_watermark(connection, end)
        self._count(len(rows), "stream_minutes", "ok")
        return len(rows)

    def due(self) -> int:
        """The end of the last minute that may be read by our clock, Unix seconds."""
        return self._end_of_minute(self._clock())

    def _end_of_minute(self, now: float) -> int:
        return int((now - self._reach.grace_seconds) // MINUTE_SECONDS) * MINUTE_SECONDS

    def lag_seconds(self, connection: Connection) -> float:
        """How far behind now the stored minutes end."""
        return max(0.0, self._clock() - self._start(connection))

    def _start(self, connection: Connection) -> int:
        mark = watermark(connection)
        back = self._reach.first_seconds if mark is None else self._reach.most_seconds
        earliest = int((self._clock() - back) // MINUTE_SECONDS) * MINUTE_SECONDS
        return earliest if mark is None else max(earliest, mark)


def watermark(connection: Connection) -> int | None:
    """Up to when minutes are stored without a gap, Unix seconds; None before the first."""
    row = connection.execute("SELECT at FROM watermarks WHERE name = %s", (WATERMARK,)).fetchone()
    return None if row is None else round(row[0].timestamp())


def set_watermark(connection: Connection, at: int) -> None:
    connection.execute(
        "INSERT INTO watermarks (name, at) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
        (WATERMARK, datetime.fromtimestamp(at, UTC)),
    )
