"""What is kept on disk of a local process, so that a bridge that starts again finds it."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A launched process: whose it is, its ports, when it began, and the id and mark that identify it."""

    container_id: str
    event_id: str
    tenant_id: str
    size_name: str
    rtmp_port: int
    http_port: int
    exporter_port: int
    started: float
    process_id: int
    process_mark: str
    labels: dict[str, str]


def write_record(path: Path, record: ProcessRecord) -> None:
    """Put the record in place whole."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(orjson.dumps(asdict(record)))
    os.replace(fresh, path)


def read_record(path: Path) -> ProcessRecord | None:
    """The record of a file; None when there is none, or it is not one."""
    try:
        return ProcessRecord(**orjson.loads(path.read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError):
        return None
