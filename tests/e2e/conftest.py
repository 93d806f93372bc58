"""One local stack for the end-to-end tests: the real parts of `make up` on free ports in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local.config import LocalConfig
from deploy.local.stack import Stack
from tests.servers import free_port

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True)
class Running:
    """A stack that runs, and its settings."""

    stack: Stack
    config: LocalConfig

    def http(self, path: str) -> str:
        return self.config.url(self.config.bridge_port, path)

    def websocket(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.config.bridge_port}{path}"


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    var = tmp_path_factory.mktemp("stack")
    open_to_postgres(var)
    ports = {field.name: free_port() for field in fields(LocalConfig) if field.name.endswith("_port")}
    config = LocalConfig(var=var, viewers=0, broadcast_seconds=1, **ports)  # type: ignore[arg-type]
    stack = Stack(config)
    stack.start()
    try:
        stack.wait_ready()
        yield Running(stack, config)
    finally:
        stack.stop()
    assert [one.pid for one in psutil.process_iter() if belongs(one, var)] == []


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(CHROMIUM_FLAGS))
        yield started
        started.close()


def belongs(process: psutil.Process, var: Path) -> bool:
    """Whether a process was started for the stack in this folder."""
    try:
        return any(str(var) in word for word in (*process.cmdline(), *process.environ().values()))
    except psutil.Error:  # gone meanwhile, or not ours to look at
        return False


def open_to_postgres(folder: Path) -> None:
    """pytest's temporary folders are closed to other users; PostgreSQL runs as one when we are root."""
    for one in (folder, *folder.parents):
        mode = one.stat().st_mode
        if one != Path("/") and not mode & 0o001:
            one.chmod(mode | 0o011)
