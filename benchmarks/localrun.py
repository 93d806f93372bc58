"""The real local stack in a temporary folder with ports of its own, for benchmarks of the whole."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy.local.config import LocalConfig
from deploy.local.stack import Stack
from tests.stacks import free_ports


@contextmanager
def local_run(**settings: Any) -> Iterator[Stack]:
    """A running stack with these settings, ended when the block ends."""
    with tempfile.TemporaryDirectory(prefix="bigfootlive-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(replace(LocalConfig(), var=Path(folder), **{**free_ports(), **settings}), lambda line: None)
        stack.start()
        try:
            stack.wait_ready()
            stack.wait_numbers()
            yield stack
        finally:
            stack.stop()
