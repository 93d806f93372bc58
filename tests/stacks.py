"""The real parts of `make up` on free ports in a temporary folder, and what tests do to them."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.config import LocalConfig
from deploy.local.programs import Program
from deploy.local.stack import Stack
from tests.servers import free_port


@dataclass(frozen=True)
class Running:
    """A stack that runs, and its settings."""

    stack: Stack
    config: LocalConfig

    def http(self, path: str) -> str:
        return self.config.url(self.config.bridge_port, path)

    def websocket(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.config.bridge_port}{path}"

    @property
    def prometheus(self) -> str:
        return self.config.url(self.config.prometheus_port)

    def control(self, action: str, program: str) -> None:
        """Have the stack's supervisord start or stop one of its programs."""
        transport: Any = SupervisorTransport(None, None, f"unix://{self.config.var}/run/supervisor.sock")
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as proxy:
            getattr(proxy.supervisor, f"{action}Process")(program)

    def pid(self, program: str) -> int:
        """The process that the supervisor runs as this program; 0 while there is none."""
        (state,) = [one for one in self.stack.states() if one.name == program]
        return state.pid


@contextmanager
def local_stack(var: Path, adapt: Callable[[Program], Program] = lambda program: program) -> Iterator[Running]:
    """A stack below ``var`` that publishes its test picture to nobody; no process of it is left afterwards."""
    open_to_postgres(var)
    config = LocalConfig(var=var, viewers=0, broadcast_seconds=1, **free_ports())  # type: ignore[arg-type]
    stack = Stack(config, lambda line: None)
    stack.programs = tuple(map(adapt, stack.programs))
    stack.start()
    try:
        stack.wait_ready()
        yield Running(stack, config)
    finally:
        stack.stop()
    assert [one.pid for one in psutil.process_iter() if belongs(one, var)] == []


def free_ports() -> dict[str, int]:
    """A free port for each of a stack's, by the setting's name."""
    return {field.name: free_port() for field in fields(LocalConfig) if field.name.endswith("_port")}


def belongs(process: psutil.Process, var: Path) -> bool:
    """Whether a process was started for the stack in this folder."""
    try:
        return any(str(var) in word for word in (*process.cmdline(), *process.environ().values()))
    except psutil.Error:  # gone meanwhile, or not ours to look at
        return False


def open_to_postgres(folder: Path) -> None:
    """Temporary folders are closed to other users; PostgreSQL runs as one when we are root."""
    for one in (folder, *folder.parents):
        mode = one.stat().st_mode
        if one != Path("/") and not mode & 0o001:
            one.chmod(mode | 0o011)
