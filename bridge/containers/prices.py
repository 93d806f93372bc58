"""The price table: which size an event gets, and what a launched server costs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bridge.containers.model import Size
from exporters.errors import ConfigError

MIB = 1 << 20


def parse_sizes(rows: Sequence[str], variable: str = "BRIDGE_CONTAINERS_SIZES") -> tuple[Size, ...]:
    """Read ``name:viewers:cpus:memory MiB:price an hour`` rows, smallest first; raises ConfigError."""
    sizes = []
    for row in rows:
        try:
            name, viewers, cpus, memory, price = row.split(":")
            size = Size(name, int(viewers), float(cpus), int(memory) * MIB, float(price))
        except ValueError as error:
            raise ConfigError(f"{variable}: {row!r} must be name:viewers:CPUs:MiB:price an hour") from error
        numbers_fit = 0 < size.cpus < math.inf and 0 <= size.hour_price < math.inf
        if not name or size.viewers < 1 or size.memory_bytes < 16 * MIB or not numbers_fit:
            raise ConfigError(f"{variable}: {row!r} needs a name, viewers, CPUs, at least 16 MiB and a price")
        sizes.append(size)
    if not sizes or len({size.name for size in sizes}) != len(sizes):
        raise ConfigError(f"{variable} must name at least one size, and none twice")
    return tuple(sorted(sizes, key=lambda size: size.viewers))


class PriceTable:
    """Chooses sizes and computes costs in the platform's currency."""

    def __init__(self, sizes: Sequence[Size], egress_price: float = 0.0) -> None:
        self._sizes = tuple(sizes)
        self._by_name = {size.name: size for size in sizes}
        self._egress_price = egress_price

    def size_for(self, viewers: int) -> Size:
        """The smallest size that is made for so many viewers, else the largest."""
        return next((size for size in self._sizes if viewers <= size.viewers), self._sizes[-1])

    def hour_price(self, size_name: str) -> float:
        """The price of an hour; 0 for a size that the table no longer has."""
        size = self._by_name.get(size_name)
        return 0.0 if size is None else size.hour_price

    def memory_bytes(self, size_name: str) -> int:
        size = self._by_name.get(size_name)
        return 0 if size is None else size.memory_bytes

    def cpus(self, size_name: str) -> float:
        size = self._by_name.get(size_name)
        return 0.0 if size is None else size.cpus

    def cost(self, size_name: str, seconds: float, sent_bytes: int) -> float:
        """What the time and the bytes sent have cost."""
        return self.hour_price(size_name) * seconds / 3600 + self._egress_price * sent_bytes / 1e9


def money(amount: float) -> str:
    """An amount as the contract writes it: ``$0.05``; a cost below a cent keeps four digits."""
    return f"${amount:.4f}" if 0 < amount < 0.01 else f"${amount:.2f}"
