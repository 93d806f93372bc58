"""Rate limits by address and by token, counted by the ``limits`` library, here or in a Redis that bridges share."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable

from limits import RateLimitItem, parse
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from bridge.config import Config
from bridge.identity import Identity
from bridge.problems import too_many
from bridge.window_counts import WindowCounts
from exporters.errors import ConfigError

log = logging.getLogger(__name__)
MEMORY = "memory://"
REDIS = ("redis://", "rediss://", "redis+unix://")
REDIS_SECONDS = 0.5
"""How long a request waits for Redis."""
AWAY_SECONDS = 5.0
"""How long a Redis that did not answer is left alone; until then this bridge counts for itself."""


class RateLimits:
    """Counts requests in fixed windows; beyond the limit a request is answered 429 with Retry-After.

    While a shared Redis is away, requests are counted in memory.
    """

    def __init__(
        self,
        config: Config,
        on_limited: Callable[[str], None] = lambda scope: None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = _limit("BRIDGE_RATE_LIMIT_ADDRESS", config.rate_limit_address)
        self._token = _limit("BRIDGE_RATE_LIMIT_TOKEN", config.rate_limit_token)
        self._own = FixedWindowRateLimiter(WindowCounts(clock))
        self._shared = _shared("BRIDGE_RATE_LIMIT_STORAGE", config.rate_limit_storage)
        self._away_until: float | None = None
        self._on_limited = on_limited
        self._clock = clock
        self._steady = steady

    def count_address(self, address: str) -> None:
        """Count a request of this address, before its token is looked at; raises a 429 Problem."""
        self._count("address", self._address, address)

    def count_caller(self, identity: Identity, token: str | None = None) -> None:
        """Count a request of this token's subject, or of the token where it names none; raises a 429 Problem."""
        if not identity.anonymous and identity.expires is not None:
            key: tuple[str | None, ...] = (identity.tenant_id, identity.subject)
            if not identity.subject and token is not None:
                key = (*key, hashlib.sha256(token.encode()).hexdigest())
            self._count("token", self._token, repr(key))  # quoted: no tenant and subject read like another pair

    def _count(self, scope: str, limit: RateLimitItem, key: str) -> None:
        reset = self._hit(limit, scope, key)
        if reset is not None:
            self._on_limited(scope)
            raise too_many(round(reset - self._clock()) + 1, f"more than {limit} for this {scope}")

    def _hit(self, limit: RateLimitItem, scope: str, key: str) -> float | None:
        """Count one; for what is beyond the limit, when its window ends."""
        if self._shared is None or (self._away_until is not None and self._steady() < self._away_until):
            return _hit(self._own, limit, scope, key)
        was_away = self._away_until is not None
        if was_away:  # one request tries whether it is back; the others do not wait with it
            self._away_until = self._steady() + AWAY_SECONDS
        try:
            reset = _hit(self._shared, limit, scope, key)
        except StorageError as error:
            if not was_away:
                log.warning("rate limits: this bridge counts for itself, Redis is away: %s", error.storage_error)
            self._away_until = self._steady() + AWAY_SECONDS
            return _hit(self._own, limit, scope, key)
        if was_away:
            log.info("rate limits: Redis answers again")
            self._away_until = None
        return reset


def _limit(variable: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{variable} is {text!r}; it must be like 1200/minute") from error


def _hit(limiter: FixedWindowRateLimiter, limit: RateLimitItem, scope: str, key: str) -> float | None:
    if limiter.hit(limit, scope, key):
        return None
    return limiter.get_window_stats(limit, scope, key).reset_time


def _shared(variable: str, place: str) -> FixedWindowRateLimiter | None:
    """The counts that bridges share; None for memory. Connects with the first request; raises ConfigError."""
    if place == MEMORY:
        return None
    try:
        if not place.startswith(REDIS):
            raise ValueError(place)
        storage = storage_from_string(
            place, wrap_exceptions=True, socket_connect_timeout=REDIS_SECONDS, socket_timeout=REDIS_SECONDS
        )
    except (ConfigurationError, ValueError):  # they quote the value, which may hold a password
        raise ConfigError(f"{variable} must be {MEMORY} or like redis://127.0.0.1:6379/0") from None
    return FixedWindowRateLimiter(storage)
