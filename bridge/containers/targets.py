"""Scrape targets of launched media servers, for Prometheus' file and HTTP service discovery."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import yaml

from bridge.containers.model import Container


def target_groups(containers: Iterable[Container], scrape_host: str) -> list[dict[str, Any]]:
    """One target group for each running container that has an exporter, as both kinds of discovery read it."""
    return [
        {
            "targets": [f"{scrape_host}:{one.exporter_port}"],
            "labels": {"service": "livestream", "hop": "rtmp", "container": one.container_id, "event": one.event_id},
        }
        for one in containers
        if one.exporter_port and one.state == "running"
    ]


class TargetsFile:
    """A file_sd file that is replaced whole, and only when its content changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: bytes | None = None

    def write(self, groups: list[dict[str, Any]]) -> None:
        """Make these the targets; raises OSError when the folder cannot be written."""
        content = orjson.dumps(groups) if self._path.suffix == ".json" else yaml.safe_dump(groups).encode()
        if content == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o644)  # Prometheus runs as another user
            os.replace(name, self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        self._written = content
