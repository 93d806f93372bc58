"""Media servers as local processes, for a machine without Docker.

Each has a folder with ``container.json``, its configuration and its log, so that a bridge that starts again finds its
servers. A process counts as ours while its id and its start time are those in the file.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from bridge.containers.driver import OWNER_LABEL
from bridge.containers.errors import AlreadyLaunchedError, ContainerError, DriverUnavailableError, UnknownContainerError
from bridge.containers.media_config import MediaPorts, media_config
from bridge.containers.model import Container, LaunchSpec, LogLine, Usage
from bridge.containers.nginx_log import read_log
from bridge.containers.nginx_process import end, limited, listens, user_line
from bridge.containers.ports import free_ports
from bridge.containers.process_mark import marked_process, process_mark
from bridge.containers.records import ProcessRecord, read_record, write_record

ATTEMPTS = 3
ABANDONED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """The program, where its servers keep their files, and the address they listen on."""

    owner: str
    folder: Path
    nginx: str = "nginx"
    module: str = ""
    address: str = "127.0.0.1"
    recordings: str = ""


class LocalProcesses:
    """The driver of local nginx processes: memory limited by the address space, CPU by the CPUs it may run on."""

    name = "processes"

    def __init__(self, options: ProcessOptions) -> None:
        self._options = options
        self._servers = options.folder / "servers"
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, spec: LaunchSpec) -> Container:
        folder = self._servers / spec.event_id
        try:
            self._servers.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(folder)
            folder.mkdir()  # fails where the event has one: the folder is the lock
        except FileExistsError as error:
            raise AlreadyLaunchedError(f"event {spec.event_id!r} has a media server") from error
        except OSError as error:
            raise DriverUnavailableError(f"cannot write {self._servers}: {error}") from error
        try:
            return _container(self._start(spec, folder), "running")
        except (ContainerError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, ContainerError):
                raise
            raise ContainerError(f"cannot start the media server: {error}") from error

    def list(self) -> tuple[Container, ...]:
        self._reap()
        found = []
        for path in sorted(self._servers.glob("*/container.json")):
            record = read_record(path)
            if record is not None and record.labels.get(OWNER_LABEL) == self._options.owner:
                found.append(_container(record, "running" if self._process(record) else "stopped"))
        return tuple(found)

    def usage(self, container: Container) -> Usage:
        process = self._process(self._record(container))
        if process is None:
            raise UnknownContainerError(f"container {container.container_id!r} has ended")
        cpu_seconds, memory_bytes = 0.0, 0
        for one in [process, *process.children(recursive=True)]:
            try:
                times = one.cpu_times()
                cpu_seconds += times.user + times.system
                memory_bytes += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return Usage(time.monotonic(), cpu_seconds, memory_bytes)

    def logs(self, container: Container, lines: int) -> tuple[LogLine, ...]:
        self._record(container)
        return read_log(self._servers / container.event_id / "nginx.log", lines)

    def stop(self, container: Container, grace_seconds: float) -> None:
        try:
            record = self._record(container)
        except UnknownContainerError:
            return
        process = self._process(record)
        if process is not None:
            end(process, grace_seconds)
        child = self._children.pop(container.container_id, None)
        if child is not None:
            child.wait()
        shutil.rmtree(self._servers / container.event_id, ignore_errors=True)

    def _reap(self) -> None:
        """Forget our children that have ended, whoever ended them."""
        self._children = {one: child for one, child in self._children.items() if child.poll() is None}

    def _start(self, spec: LaunchSpec, folder: Path) -> ProcessRecord:
        """Start on free ports; another program may take one in between, so again on others."""
        for _ in range(ATTEMPTS):
            ports = MediaPorts(*free_ports(3, self._options.address))
            child = self._spawn(spec, folder, ports)
            record = _new_record(spec, ports, child, self._options.owner)
            write_record(folder / "container.json", record)
            if listens(child, ports.http):
                self._children[spec.container_id] = child
                return record
            child.kill()
            child.wait()
        last = read_log(folder / "nginx.log", 1)
        raise ContainerError(f"the media server did not start: {last[0].message if last else 'it wrote no log'}")

    def _spawn(self, spec: LaunchSpec, folder: Path, ports: MediaPorts) -> subprocess.Popen[bytes]:
        options = self._options
        recordings = options.recordings if spec.recording else ""
        text = media_config(
            ports, str(folder.resolve()), options.address, options.module, spec.hook_url, recordings=recordings
        )
        config = folder.resolve() / "nginx.conf"
        config.write_text(f"{user_line()}{text}", encoding="utf-8")
        command = [options.nginx, "-p", str(folder.resolve()), "-e", "stderr", "-c", str(config)]
        with (folder / "nginx.log").open("ab") as log:
            try:
                return subprocess.Popen(
                    limited(command, spec.size),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise DriverUnavailableError(f"program {error.filename!r} is not installed") from error

    def _record(self, container: Container) -> ProcessRecord:
        record = read_record(self._servers / container.event_id / "container.json")
        labels = {} if record is None else record.labels
        if (
            record is None
            or record.container_id != container.container_id
            or labels.get(OWNER_LABEL) != self._options.owner
        ):
            raise UnknownContainerError(f"container {container.container_id!r} is gone or not ours")
        return record

    def _process(self, record: ProcessRecord) -> psutil.Process | None:
        """The running process of a record; None when it has ended, or its id now belongs to another."""
        child = self._children.get(record.container_id)
        if child is not None and child.poll() is not None:
            return None
        return marked_process(record.process_id, record.process_mark)


def _remove_abandoned(folder: Path) -> None:
    """Remove a folder whose launch ended before anything was started."""
    if not folder.exists() or (folder / "container.json").exists():
        return
    if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
        shutil.rmtree(folder)


def _new_record(spec: LaunchSpec, ports: MediaPorts, child: subprocess.Popen[bytes], owner: str) -> ProcessRecord:
    return ProcessRecord(
        container_id=spec.container_id,
        event_id=spec.event_id,
        tenant_id=spec.tenant_id,
        size_name=spec.size.name,
        rtmp_port=ports.rtmp,
        http_port=ports.http,
        exporter_port=spec.exporter_port,
        started=time.time(),
        process_id=child.pid,
        process_mark=process_mark(child.pid) or "",
        labels={OWNER_LABEL: owner},
    )


def _container(record: ProcessRecord, state: str) -> Container:
    running = state == "running"
    return Container(
        container_id=record.container_id,
        event_id=record.event_id,
        tenant_id=record.tenant_id,
        size_name=record.size_name,
        started=record.started,
        state="running" if running else "stopped",
        rtmp_port=record.rtmp_port if running else 0,
        http_port=record.http_port if running else 0,
        exporter_port=record.exporter_port,
        handle=str(record.process_id),
    )
