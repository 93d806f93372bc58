"""Which shard a session belongs to, so that each session lives in one process and sums over shards are right."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

from exporters.errors import ConfigError


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """Shard ``number`` of ``count``, counted from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, variable: str, text: str) -> ShardPlace:
        """``2/4`` is shard 2 of 4; raises ConfigError for anything else."""
        number, _, count = text.partition("/")
        if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
            raise ConfigError(f"{variable} is {text!r}; it must be like 2/4")
        return cls(int(number), int(count))

    def owns(self, session: str) -> bool:
        """Whether a session id, or what stands for one, is this shard's."""
        return self.count == 1 or crc32(session.encode("utf-8", "replace")) % self.count == self.number - 1
