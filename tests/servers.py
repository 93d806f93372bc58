"""Real servers for tests: started on free loopback ports in temporary folders, awaited by condition, ended by pid."""

from __future__ import annotations

import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import requests

T = TypeVar("T")
PORTS = itertools.cycle(random.sample(range(15000, 32000), 17000))
POSTGRES_BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def free_port() -> int:
    """A loopback port that was free a moment ago, below those that outgoing connections take; another one each time."""
    for port in PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def wait_until(condition: Callable[[], T], what: str, seconds: float = 60.0, every: float = 0.05) -> T:
    """The first truthy answer of ``condition``; fails with ``what`` when none came in time."""
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            answer = condition()
            if answer:
                return answer
        except (OSError, requests.RequestException, AssertionError, KeyError, IndexError) as error:
            last = error
        time.sleep(every)
    raise AssertionError(f"waited {seconds:g} s for {what}" + (f"; last: {last!r}" if last else ""))


def port_answers(port: int) -> bool:
    """Whether something accepts connections on this loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def end(process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """End a process we started, and what it started in its own session: SIGTERM, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                continue


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, its output in ``log``, ended when the block ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
            cwd=cwd,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def as_postgres_user(command: Sequence[str | Path]) -> list[str]:
    """PostgreSQL refuses to run as root; as root, run it as the ``postgres`` user."""
    parts = [str(part) for part in command]
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *parts]
        if os.getuid() == 0
        else parts
    )


@contextmanager
def postgres(
    folder: Path, bin_folder: Path | None = None, settings: Sequence[str] = (), port: int = 0
) -> Iterator[str]:
    """A fresh PostgreSQL with an empty database ``analytics``; yields its connection URL."""
    binaries = bin_folder or POSTGRES_BIN[0]
    port = port or free_port()
    base = folder / "postgres"
    base.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(base, user.pw_uid, user.pw_gid)
        for parent in [folder, *folder.parents]:  # temporary folders are closed to other users
            if parent.stat().st_uid == 0 and parent != Path("/") and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    data = base / "data"
    if not data.exists():
        initdb = [binaries / "initdb", "-D", data, "-U", "analytics", "--auth=trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(as_postgres_user(initdb), check=True, capture_output=True, cwd=base)
    options = ["-c", "fsync=off", "-c", f"unix_socket_directories={base}", "-c", "listen_addresses=127.0.0.1"]
    for one in settings:
        options += ["-c", one]
    command = as_postgres_user([binaries / "postgres", "-D", data, "-p", str(port), *options])
    with running(command, folder / "postgres.log", cwd=base) as process:
        ready = as_postgres_user([binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "analytics"])
        wait_until(
            lambda: subprocess.run(ready, check=False).returncode == 0, f"PostgreSQL ({folder / 'postgres.log'})"
        )
        create = [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "analytics", "analytics"]
        subprocess.run(as_postgres_user(create), check=False, capture_output=True)
        try:
            yield f"postgresql://analytics@127.0.0.1:{port}/analytics"
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: do not wait for clients
            process.wait(timeout=20)


@contextmanager
def prometheus(
    folder: Path,
    config: str,
    port: int = 0,
    binary: str = "prometheus",
    retention: str = "2d",
    listen: str = "127.0.0.1",
    flags: Sequence[str] = (),
) -> Iterator[str]:
    """A Prometheus with this configuration (rules and targets beside it in ``folder``); yields its base URL."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(config, encoding="utf-8")
    command = [
        shutil.which(binary) or binary,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={listen}:{port}",
        f"--storage.tsdb.retention.time={retention}",
        "--web.enable-lifecycle",
        *flags,
    ]
    with running(command, folder / "prometheus.log", cwd=folder):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: requests.get(f"{url}/-/ready", timeout=2).ok, f"Prometheus ({folder / 'prometheus.log'})")
        yield url


def instant(url: str, promql: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each series that an instant query gives."""
    answer = requests.get(f"{url}/api/v1/query", params={"query": promql}, timeout=10)
    answer.raise_for_status()
    return [(row["metric"], float(row["value"][1])) for row in answer.json()["data"]["result"]]
