"""Free ports of this machine."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(count: int, address: str = "127.0.0.1") -> tuple[int, ...]:
    """Distinct ports that nothing listens on at this moment; the kernel chooses them."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((address, 0))
        return tuple(int(probe.getsockname()[1]) for probe in probes)
