"""The RTMP exporter beside each launched media server: it reads the server's state and checks its publishers' keys.

Exporters are local processes of this installation, whatever runs the servers. Their records lie on disk, so that a
bridge that starts again finds those that still run.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil

from bridge.containers.model import Container
from bridge.containers.process_mark import marked_process, process_mark

log = logging.getLogger(__name__)
HOOK_PATH = "/hooks/nginx-rtmp"
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """Where exporters keep their records, what they listen on, and where they ask for keys."""

    folder: Path
    listen_host: str
    server_host: str
    keys_url: str
    keys_token: str


class Exporters:
    """Starts, finds and ends one exporter a container."""

    def __init__(self, options: ExporterOptions, environ: Mapping[str, str] = os.environ) -> None:
        self._options = options
        self._environ = environ
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._starting = threading.Lock()

    def runs(self, container_id: str) -> bool:
        """Whether the container's exporter runs."""
        return self._process(container_id) is not None

    def ensure(self, container: Container) -> None:
        """Start the exporter of a container whose port it has, unless it runs."""
        with self._starting:
            self._children = {one: child for one, child in self._children.items() if child.poll() is None}
            if container.exporter_port and not self.runs(container.container_id):
                self._start(container)

    def stop(self, container_id: str) -> None:
        """End the container's exporter, and forget it."""
        process = self._process(container_id)
        if process is not None:
            process.terminate()
            try:
                process.wait(timeout=STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
        child = self._children.pop(container_id, None)
        if child is not None:
            child.wait()
        for ending in ("json", "log"):
            self._path(container_id, ending).unlink(missing_ok=True)

    def keep_only(self, container_ids: frozenset[str]) -> None:
        """End the exporters of all other containers."""
        for path in self._options.folder.glob("*.json"):
            if path.stem not in container_ids:
                log.info("ending the exporter of container %s, which is gone", path.stem)
                self.stop(path.stem)

    def _start(self, container: Container) -> None:
        self._options.folder.mkdir(parents=True, exist_ok=True)
        with self._path(container.container_id, "log").open("ab") as log_file:
            child = subprocess.Popen(
                [sys.executable, "-m", "exporters", "rtmp"],
                env=self._settings(container),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,
            )
        self._children[container.container_id] = child
        record = {"process_id": child.pid, "process_mark": process_mark(child.pid)}
        self._path(container.container_id, "json").write_bytes(orjson.dumps(record))

    def _settings(self, container: Container) -> dict[str, str]:
        options = self._options
        stat = f"http://{options.server_host}:{container.http_port}/stat"
        ours = {
            "RTMP_LISTEN": f"{options.listen_host}:{container.exporter_port}",
            "RTMP_TARGETS": f"{container.container_id}=nginx-rtmp+{stat}",
            "RTMP_IGNORE_APPS": "hls",
            "RTMP_HOST_CPU": "off",
            "RTMP_KEYS_URL": options.keys_url,
            "RTMP_KEYS_TOKEN": options.keys_token,
        }
        inherited = {name: value for name, value in self._environ.items() if not name.startswith(("RTMP_", "BRIDGE_"))}
        return {**inherited, **ours}

    def _process(self, container_id: str) -> psutil.Process | None:
        child = self._children.get(container_id)
        if child is not None and child.poll() is not None:
            return None
        try:
            record = orjson.loads(self._path(container_id, "json").read_bytes())
            return marked_process(record["process_id"], record["process_mark"])
        except (OSError, orjson.JSONDecodeError, KeyError):
            return None

    def _path(self, container_id: str, ending: str) -> Path:
        return self._options.folder / f"{container_id}.{ending}"
