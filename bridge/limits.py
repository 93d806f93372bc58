"""Rate limits by address and by token, counted by the ``limits`` library."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from limits import RateLimitItem, parse
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from bridge.config import Config
from bridge.identity import Identity
from bridge.problems import too_many
from bridge.window_counts import WindowCounts
from exporters.errors import ConfigError

MEMORY = "memory://"


class RateLimits:
    """Counts requests in fixed windows; beyond the limit a request is answered 429 with Retry-After."""

    def __init__(
        self,
        config: Config,
        on_limited: Callable[[str], None] = lambda scope: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._address = _limit("BRIDGE_RATE_LIMIT_ADDRESS", config.rate_limit_address)
        self._token = _limit("BRIDGE_RATE_LIMIT_TOKEN", config.rate_limit_token)
        in_memory = config.rate_limit_storage == MEMORY
        storage = WindowCounts(clock) if in_memory else storage_from_string(config.rate_limit_storage)
        self._limiter = FixedWindowRateLimiter(storage)
        self._on_limited = on_limited
        self._clock = clock

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
        if not self._limiter.hit(limit, scope, key):
            self._on_limited(scope)
            reset = self._limiter.get_window_stats(limit, scope, key).reset_time
            raise too_many(round(reset - self._clock()) + 1, f"more than {limit} for this {scope}")


def _limit(variable: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigError(f"{variable} is {text!r}; it must be like 1200/minute") from error
