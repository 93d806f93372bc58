"""How each request went: one log line under its id, and its count and duration by route."""

from __future__ import annotations

import logging
import random
import re
import time

from bridge.telemetry import Telemetry

log = logging.getLogger("bridge.request")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id(given: str) -> str:
    """The id that a request came with, where it may stand in a log line, or a fresh one."""
    return given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


class RequestLog:
    """Notes answered requests."""

    def __init__(self, telemetry: Telemetry, has_lines: bool) -> None:
        self._telemetry = telemetry
        self._has_lines = has_lines

    def note(self, route: str, method: str, target: str, status: int, begun: float, identifier: str) -> None:
        """Note a request that began at ``begun`` (time.perf_counter) and is answered now."""
        seconds = time.perf_counter() - begun
        self._telemetry.answered(route, method, status, seconds)
        if self._has_lines:
            log.info("%s %s %d %.1fms id=%s", method, target, status, seconds * 1000, identifier)
