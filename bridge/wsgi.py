"""One running bridge: the app, its background parts, and its metrics page, from settings."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping

import gevent

from bridge.app import create_app
from bridge.assembly import Parts, Settings, assemble, read_settings
from bridge.logs import configure
from exporters.checks import parse_address
from exporters.collecting import Collector
from exporters.logs import read_level
from exporters.server import RunningService, Service

log = logging.getLogger(__name__)


class Bridge:
    """Everything of one bridge process; needs gevent's patches in place."""

    def __init__(self, settings: Settings) -> None:
        self._config = settings.bridge
        self._parts: Parts = assemble(settings)
        self.app = create_app(self._parts.services, self._parts.areas, self._parts.pages)
        self._metrics: RunningService | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Bridge:
        configure(read_level(environ))
        return cls(read_settings(environ))

    def start(self) -> None:
        if self._config.metrics_listen:
            address = parse_address("BRIDGE_METRICS_LISTEN", self._config.metrics_listen)
            services = self._parts.services
            collectors: list[Collector] = [services.telemetry]
            if services.database is not None:
                collectors.append(services.database)
            service = Service("bridge", collectors)
            self._metrics = RunningService(service, address).start()
        for worker in self._parts.workers:
            worker.start()

    def drain(self) -> None:
        """Tell load balancers first, then send sockets elsewhere, then end."""
        self._parts.services.hub.draining = True
        gevent.sleep(self._config.drain_seconds)
        for worker in reversed(self._parts.workers):
            begun = time.monotonic()
            worker.stop()
            log.info("%s stopped in %.1f s", type(worker).__name__, time.monotonic() - begun)
        if self._parts.services.database is not None:
            self._parts.services.database.close()
        if self._metrics is not None:
            self._metrics.stop()
