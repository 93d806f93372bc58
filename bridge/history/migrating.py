"""Brings the schema up to date when a bridge starts, as soon as the database answers."""

from __future__ import annotations

import logging
import threading

from bridge.database import DatabaseUnavailableError
from bridge.history.migrate import MigrationError, migrate

log = logging.getLogger(__name__)
RETRY_SECONDS = 2.0


class Migrator:
    """A worker that migrates once and ends; it tries again while the database is away."""

    def __init__(self, url: str, timescale: bool = True) -> None:
        self._url = url
        self._timescale = timescale
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="migrator", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                migrate(self._url, timescale=self._timescale)
                return
            except DatabaseUnavailableError as error:
                log.warning("schema: %s", error)
            except MigrationError:
                log.exception("schema: a migration failed; answers that need it are 503")
                return
            self._stop.wait(RETRY_SECONDS)
