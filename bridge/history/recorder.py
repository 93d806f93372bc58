"""The recorder: one of them is active, by an advisory lock, and every write goes over the connection that holds it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import psycopg

from bridge.database import Connection, DatabaseUnavailableError, connect, first_line
from bridge.history.backfill import Backfill
from bridge.promapi import PrometheusUnreachableError, QueryRefusedError
from exporters import metrics
from exporters.exposition import Samples, Table

log = logging.getLogger(__name__)
LOCK = 0x6269_6702
TURN_SECONDS = 1.0
RETRY_SECONDS = 2.0


class Task(Protocol):
    """A part of the recorder's work; whether there is more to do at once."""

    def turn(self, connection: Connection) -> bool: ...


class PartialAnswerError(Exception):
    """A federated store answered without all of its parts; what it said must not be stored as all there was."""


class Recorder:
    """A worker that holds the lock and takes turns at its tasks, or waits to take over.

    A write can only commit while the lock is held: when the connection breaks, both are gone, and another recorder
    takes over as soon as the server has noticed.
    """

    name = "recorder"

    def __init__(
        self,
        url: str,
        backfill: Backfill,
        tasks: Sequence[tuple[str, Task]],
        prepare: Callable[[], object] = lambda: None,
        takeover_seconds: float = 3.0,
        writes: Samples | None = None,
    ) -> None:
        self._url = url
        self._backfill = backfill
        self._tasks = (("minutes", backfill), *tasks)
        self._prepare = prepare
        self._takeover_seconds = takeover_seconds
        self.writes = writes or Samples(metrics.BRIDGE_HISTORY_WRITES)
        self._lag = Samples(metrics.BRIDGE_HISTORY_LAG)
        self._active = Samples(metrics.BRIDGE_HISTORY_ACTIVE)
        self._active.set(0)
        self._upstream = Samples(metrics.BRIDGE_UPSTREAM_UP)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._next_try: dict[str, float] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def collect(self) -> Iterable[Table]:
        return (self.writes, self._lag, self._active, self._upstream)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._hold()
            except (DatabaseUnavailableError, psycopg.OperationalError) as error:
                log.warning("recorder: %s", first_line(error))
                self._upstream.set(0, "timescale")
            except Exception:
                log.exception("recorder: turn failed")
            self._active.set(0)
            self._stop.wait(RETRY_SECONDS)

    def _hold(self) -> None:
        """Work on one connection until it breaks or the recorder stops."""
        self._prepare()
        with connect(self._url, name="bigfootlive-recorder") as connection:
            connection.autocommit = True
            self._upstream.set(1, "timescale")
            while not self._stop.is_set():
                if not self._locked(connection):
                    self._stop.wait(self._takeover_seconds)
                    continue
                log.info("recorder: active")
                self._active.set(1)
                self._work(connection)

    def _locked(self, connection: Connection) -> bool:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
        return row == (True,)

    def _work(self, connection: Connection) -> None:
        while not self._stop.is_set():
            more = [self._attempt(name, task, connection) for name, task in self._tasks]
            self._lag.set(round(self._backfill.lag_seconds(connection), 3))
            if not any(more):
                self._stop.wait(TURN_SECONDS)

    def _attempt(self, name: str, task: Task, connection: Connection) -> bool:
        if time.monotonic() < self._next_try.get(name, 0.0):
            return False
        try:
            more = task.turn(connection)
        except (PrometheusUnreachableError, QueryRefusedError, PartialAnswerError) as error:
            log.warning("recorder: %s: %s", name, error)
            self._upstream.set(0, "prometheus")
            self.writes.add(1, name, "error")
        except psycopg.OperationalError:
            raise
        except Exception as error:  # a fault of one task must not keep the others from theirs
            log.exception("recorder: %s: %s", name, first_line(error))
            self.writes.add(1, name, "error")
        else:
            if name == "minutes":
                self._upstream.set(1, "prometheus")
            return more
        self._next_try[name] = time.monotonic() + RETRY_SECONDS
        return False
