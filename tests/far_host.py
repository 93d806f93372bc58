"""Another host: a network namespace of its own, joined by a cable that can be cut."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


class FarHost:
    """``there`` is its address, ``here`` the one under which it reaches this machine; a process makes one at a time."""

    def __init__(self, number: int) -> None:
        self.namespace = f"bfl-{number}"
        self.cable, self.end = f"bfh{number}", f"bft{number}"
        self.here, self.there = (f"10.213.{number % 250}.{host}" for host in (1, 2))

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command begins with that runs there."""
        return ("ip", "netns", "exec", self.namespace)

    def connect(self, up: bool) -> None:
        """Plug the cable in, or pull it at the far end: here nobody is told, packets just get lost."""
        _ip("-n", self.namespace, "link", "set", self.end, "up" if up else "down")

    def admission(self) -> str:
        """PostgreSQL's pg_hba.conf that lets everybody in from here and there."""
        return f"host all all 127.0.0.1/32 trust\nhost all all {self.there}/32 trust\n"


@contextmanager
def far_host() -> Iterator[FarHost]:
    """The host with its cable plugged in, removed when the block ends."""
    host = FarHost(os.getpid() % 100_000)
    with ExitStack() as ending:
        _ip("netns", "add", host.namespace)
        ending.callback(_ip, "netns", "del", host.namespace)
        _ip("link", "add", host.cable, "type", "veth", "peer", "name", host.end, "netns", host.namespace)
        _ip("address", "add", f"{host.here}/30", "dev", host.cable)
        _ip("link", "set", host.cable, "up")
        _ip("-n", host.namespace, "address", "add", f"{host.there}/30", "dev", host.end)
        host.connect(True)
        yield host


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def may_break() -> bool:
    """Whether this process may mount disks and make networks."""
    tried = subprocess.run(["unshare", "-mn", "true"], check=False, capture_output=True)
    return os.geteuid() == 0 and tried.returncode == 0
