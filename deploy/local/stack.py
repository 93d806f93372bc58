"""The local run as a whole: start it under supervisord, follow it until numbers flow, end it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import requests
from supervisor.xmlrpc import SupervisorTransport

from deploy.local.config import HOST, LocalConfig
from deploy.local.files import write_all
from deploy.local.programs import postgres_binary, programs
from exporters.errors import ConfigError

READY_SECONDS = 60.0
NUMBERS_SECONDS = 45.0
NEEDED = {
    "nginx": "nginx libnginx-mod-rtmp",
    "ffmpeg": "ffmpeg",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "setpriv": "util-linux",
}


@dataclass(frozen=True, slots=True)
class ProgramState:
    """What supervisord says of one program."""

    name: str
    state: str
    detail: str
    pid: int


class Stack:
    """One local run. ``say`` gets each line of progress."""

    def __init__(self, config: LocalConfig, say: Callable[[str], None] = print) -> None:
        self.config = config
        self.programs = programs(config)
        self._say = say
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Check the machine, write the files, start every program; raises ConfigError with the mend."""
        if self.states():
            raise ConfigError(f"a stack already runs from {self.config.var}: `make down` ends it")
        check_programs()
        check_ports(self.config)
        write_all(self.config, self.programs)
        self._say(f"starting {len(self.programs)} programs, logs in {self.config.var}/log")
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config.var / "supervisord.conf")]
        with (self.config.var / "log/supervisord.out").open("ab") as output:
            self._supervisor = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def wait_ready(self) -> None:
        """Follow the start-up, one line a part; raises ConfigError naming the part that does not come up."""
        for name, ready in self._checks():
            begun = time.monotonic()
            while not _holds(ready):
                if self._supervisor is not None and self._supervisor.poll() is not None:
                    raise ConfigError(f"supervisord ended: see {self.config.var}/log/supervisord.out")
                if time.monotonic() - begun > READY_SECONDS:
                    raise ConfigError(f"{name} is not ready after {READY_SECONDS:g} s: see {self._log_of(name)}")
                time.sleep(0.1)
            self._say(f"  {name} ready")

    def wait_numbers(self) -> int | None:
        """The current viewer count once it flows (None when no number came in time or nobody should watch)."""
        if not self.config.publish:
            return None
        self._say("waiting for the first numbers")
        address = self.config.url(self.config.bridge_port, f"/api/v1/analytics/real-time/{self.config.stream}")
        deadline = time.monotonic() + NUMBERS_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(requests.RequestException, ValueError, KeyError):
                viewers = int(requests.get(address, timeout=2).json()["currentViewers"])
                if viewers > 0 or not self.config.viewers:
                    return viewers
            time.sleep(0.25)
        return None

    def summary(self, viewers: int | None) -> str:
        """The addresses, for a person."""
        config, bridge = self.config, self.config.url(self.config.bridge_port)
        count = "no numbers yet: `make status` tells what is missing" if viewers is None else f"{viewers} viewers now"
        return "\n".join(
            [
                f"BigFoot Live Analytics runs: {count}",
                f"  console       {bridge}/",
                f"  live streams  {bridge}/api/streams?status=live",
                f"  analytics     {bridge}/api/v1/analytics/real-time/{config.stream}",
                f"  WebSocket     ws://{HOST}:{config.bridge_port}/api/ws/analytics/realtime",
                f"  API           {bridge}/api/docs",
                f"  playback      {config.url(config.edge_port, f'/hls/{config.stream}.m3u8')}",
                f"  publish to    rtmp://{HOST}:{config.rtmp_port}/live with a stream's key",
                f"  Prometheus    {config.url(config.prometheus_port)}",
                f"  Alertmanager  {config.url(config.alertmanager_port)}",
                "Ctrl-C or `make down` ends all of it.",
            ]
        )

    def follow(self) -> None:
        """Wait until the run is ended from elsewhere."""
        if self._supervisor is not None:
            self._supervisor.wait()

    def stop(self) -> bool:
        """End every program; whether there was something to end."""
        pid = self._supervisor_pid()
        if pid is None:
            return False
        supervisor = psutil.Process(pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        supervisor.terminate()
        _, alive = psutil.wait_procs(family, timeout=25)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self._supervisor is not None:
            self._supervisor.wait(timeout=10)
        return True

    def states(self) -> list[ProgramState]:
        """Each program's state; empty when nothing runs."""
        socket = self.config.var / "run/supervisor.sock"
        if not socket.exists():
            return []
        transport = SupervisorTransport(None, None, f"unix://{socket}")
        proxy: Any = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            rows = proxy.supervisor.getAllProcessInfo()
        except (OSError, xmlrpc.client.Error):
            return []
        finally:
            transport.close()
        return [ProgramState(row["name"], row["statename"], row["description"], row["pid"]) for row in rows]

    def _supervisor_pid(self) -> int | None:
        """The pid of this run's supervisord, if it lives and is ours."""
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            pid = int((self.config.var / "run/supervisord.pid").read_text())
            if str(self.config.var / "supervisord.conf") in psutil.Process(pid).cmdline():
                return pid
        return self._supervisor.pid if self._supervisor is not None and self._supervisor.poll() is None else None

    def _checks(self) -> Iterator[tuple[str, Callable[[], bool]]]:
        yield "postgres", lambda: make_database(self.config)
        for program in self.programs:
            if program.ready:
                yield program.name, partial(_answers, program.ready)

    def _log_of(self, name: str) -> Path:
        return self.config.var / f"log/{name}.out"


def make_database(config: LocalConfig) -> bool:
    """Whether PostgreSQL answers and has its database, which is made when it is not there."""
    address = ["-h", HOST, "-p", str(config.database_port), "-U", "analytics"]
    if subprocess.run([postgres_binary("pg_isready"), "-q", *address], check=False).returncode:
        return False
    made = subprocess.run(
        [postgres_binary("createdb"), *address, "analytics"], check=False, capture_output=True, text=True
    )
    return made.returncode == 0 or "already exists" in made.stderr


def check_programs() -> None:
    """Raises ConfigError naming the Debian packages of programs that are missing."""
    missing = [package for program, package in NEEDED.items() if not shutil.which(program)]
    if not Path(postgres_binary("postgres")).exists():
        missing.append("postgresql")
    if missing:
        raise ConfigError(f"missing packages: run `apt-get install {' '.join(missing)}`")


def check_ports(config: LocalConfig) -> None:
    """Raises ConfigError naming a taken port, who holds it, and the setting that moves ours."""
    listeners = {
        connection.laddr.port: connection.pid
        for connection in psutil.net_connections(kind="tcp")
        if connection.laddr and connection.status == psutil.CONN_LISTEN
    }
    for variable, port in config.ports().items():
        if port in listeners:
            pid = listeners[port]
            holder = f"{psutil.Process(pid).name()}, pid {pid}" if pid and psutil.pid_exists(pid) else "another program"
            raise ConfigError(f"port {port} is taken by {holder}: end it, or choose another port with {variable}=…")


def _answers(url: str) -> bool:
    return requests.get(url, timeout=2).ok


def _holds(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except requests.RequestException:
        return False
