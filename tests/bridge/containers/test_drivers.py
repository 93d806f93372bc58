"""Both drivers against the real thing: every claim is made of Docker and of local processes."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from bridge.containers.docker_engine import DockerEngine, DockerOptions
from bridge.containers.driver import Driver
from bridge.containers.errors import (
    AlreadyLaunchedError,
    ContainerError,
    DriverUnavailableError,
    UnknownContainerError,
)
from bridge.containers.media_stat import read_media_stat
from bridge.containers.model import Container, LaunchSpec, Size
from bridge.containers.processes import LocalProcesses, ProcessOptions
from tests.bridge.containers.engine import IMAGE, MODULE, Engine
from tests.servers import wait_until

pytestmark = pytest.mark.live
SMALL = Size("small", viewers=100, cpus=0.5, memory_bytes=256 << 20, hour_price=0.05)


class Drivers:
    """Makes drivers, and leaves nothing of them behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Driver] = []

    def docker(self, engine: Engine, owner: str = "tests", **options: str) -> DockerEngine:
        chosen = {"image": IMAGE, "network": engine.network, **options}
        return self._keep(DockerEngine(engine.url, DockerOptions(owner=owner, **chosen)))

    def processes(self, owner: str = "tests", module: str = MODULE, nginx: str = "nginx") -> LocalProcesses:
        return self._keep(LocalProcesses(ProcessOptions(owner, self._folder, nginx, module)))

    def another(self, driver: Driver, owner: str, request: pytest.FixtureRequest) -> Driver:
        """One more driver of the same kind."""
        return (
            self.docker(request.getfixturevalue("engine"), owner) if driver.name == "docker" else self.processes(owner)
        )

    def end(self) -> None:
        for one in self._made:
            for container in one.list():
                one.stop(container, 0)
            if isinstance(one, DockerEngine):
                one.close()

    def _keep(self, driver: Any) -> Any:
        self._made.append(driver)
        return driver


@pytest.fixture
def drivers(tmp_path: Path) -> Iterator[Drivers]:
    made = Drivers(tmp_path)
    yield made
    made.end()


@pytest.fixture(params=["docker", "processes"])
def driver(request: pytest.FixtureRequest, drivers: Drivers) -> Driver:
    if request.param == "docker":
        return drivers.docker(request.getfixturevalue("engine"))
    return drivers.processes()


def spec(event_id: str = "demo", container_id: str = "ctr-1", **rest: object) -> LaunchSpec:
    return LaunchSpec(container_id, event_id, "acme", SMALL, **rest)  # type: ignore[arg-type]


def launched(driver: Driver, one: LaunchSpec) -> Container:
    container = driver.launch(one)
    stat = f"http://127.0.0.1:{container.http_port}/stat"
    wait_until(lambda: requests.get(stat, timeout=2).ok, f"the media server at {stat}")
    return container


def test_a_launched_media_server_answers_on_ports_of_its_own(driver: Driver) -> None:
    container = launched(driver, spec())
    assert (container.container_id, container.event_id, container.tenant_id) == ("ctr-1", "demo", "acme")
    assert (container.size_name, container.state) == ("small", "running")
    assert len({container.rtmp_port, container.http_port, 0}) == 3
    assert read_media_stat(f"http://127.0.0.1:{container.http_port}/stat").connections == 0
    assert driver.list() == (container,)


def test_an_event_has_one_media_server(driver: Driver) -> None:
    first = launched(driver, spec())
    with pytest.raises(AlreadyLaunchedError, match="'demo'"):
        driver.launch(spec(container_id="ctr-2"))
    second = launched(driver, spec("other", "ctr-3"))
    assert len({first.rtmp_port, first.http_port, second.rtmp_port, second.http_port}) == 4
    assert {one.container_id for one in driver.list()} == {"ctr-1", "ctr-3"}


def test_usage_is_measured(driver: Driver) -> None:
    container = launched(driver, spec())
    stat = f"http://127.0.0.1:{container.http_port}/stat"
    wait_until(lambda: requests.get(stat, timeout=2).ok and driver.usage(container).cpu_seconds > 0, "CPU time to show")
    usage = driver.usage(container)
    assert 0 < usage.memory_bytes < SMALL.memory_bytes
    assert (usage.received_bytes is None) == (driver.name == "processes")


def test_the_last_log_lines_are_given_with_their_time(driver: Driver) -> None:
    container = launched(driver, spec())
    lines = driver.logs(container, 2)
    assert len(lines) == 2
    assert lines[0].timestamp <= lines[1].timestamp
    assert lines[0].timestamp.startswith("20") and lines[0].timestamp.endswith("Z")
    assert any("start worker process" in line.message for line in driver.logs(container, 50))


def test_a_stopped_server_is_gone_with_all_it_held(driver: Driver) -> None:
    container = launched(driver, spec())
    driver.stop(container, 5)
    assert driver.list() == ()
    with pytest.raises(UnknownContainerError):
        driver.usage(container)
    with pytest.raises(UnknownContainerError):
        driver.logs(container, 1)
    driver.stop(container, 5)
    launched(driver, spec(container_id="ctr-2"))


def test_another_installations_servers_are_neither_seen_nor_touched(
    driver: Driver, drivers: Drivers, request: pytest.FixtureRequest
) -> None:
    container = launched(driver, spec())
    stranger = drivers.another(driver, "stranger", request)
    assert stranger.list() == ()
    with pytest.raises(UnknownContainerError):
        stranger.usage(container)
    with pytest.raises(UnknownContainerError):
        stranger.logs(container, 1)
    stranger.stop(container, 0)
    assert driver.list() == (container,)
    assert requests.get(f"http://127.0.0.1:{container.http_port}/stat", timeout=2).ok


def test_a_new_driver_finds_the_servers_of_the_one_before(
    driver: Driver, drivers: Drivers, request: pytest.FixtureRequest
) -> None:
    container = launched(driver, spec())
    again = drivers.another(driver, "tests", request)
    assert again.list() == (container,)
    again.stop(container, 5)
    assert driver.list() == ()


def test_a_server_that_ignores_the_polite_signal_is_killed(driver: Driver, request: pytest.FixtureRequest) -> None:
    container = launched(driver, spec())
    if driver.name == "processes":
        process = psutil.Process(int(container.handle))
        workers = process.children()
        process.suspend()
        driver.stop(container, 0.2)
        wait_until(lambda: not any(one.is_running() for one in [process, *workers]), "all its processes to end")
    else:
        engine: Engine = request.getfixturevalue("engine")
        engine.client.containers.get(container.handle).kill(signal="SIGSTOP")
        driver.stop(container, 1)
    assert driver.list() == ()


def test_docker_limits_are_those_of_the_size_and_the_container_has_no_rights(drivers: Drivers, engine: Engine) -> None:
    driver = drivers.docker(engine, "limits")
    container = launched(driver, spec())
    try:
        host = engine.client.containers.get(container.handle).attrs["HostConfig"]
        assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (500_000_000, 256 << 20, 256 << 20)
        assert (host["CapDrop"], host["ReadonlyRootfs"], host["PidsLimit"]) == (["ALL"], True, 128)
        assert host["SecurityOpt"] == ["no-new-privileges"]
    finally:
        driver.stop(container, 1)


def test_docker_names_what_is_missing(drivers: Drivers, engine: Engine, tmp_path: Path) -> None:
    no_image = drivers.docker(engine, image="no-such-image")
    with pytest.raises(ContainerError, match="no image 'no-such-image'"):
        no_image.launch(spec())


def test_an_engine_that_does_not_answer_is_named(tmp_path: Path) -> None:
    nothing = DockerEngine(f"unix://{tmp_path}/none.sock", DockerOptions(IMAGE, "tests"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK drops the socket of a failed connection
        with pytest.raises(DriverUnavailableError, match=r"none\.sock"):
            nothing.list()
        gc.collect()


def test_a_container_that_is_not_ours_is_left_alone_even_by_its_docker_id(drivers: Drivers, engine: Engine) -> None:
    foreign = engine.client.containers.create(IMAGE, ["sh", "-c", "busybox sleep 60"], name="foreign")
    foreign.start()
    try:
        driver = drivers.docker(engine, "tests")
        known = Container("ctr-1", "demo", "acme", "small", 0, "running", 1, 1, 0, foreign.id)
        driver.stop(known, 0)
        foreign.reload()
        assert foreign.status == "running"
        assert driver.list() == ()
    finally:
        foreign.remove(force=True)


def test_a_process_runs_within_the_limits_of_its_size(drivers: Drivers) -> None:
    driver = drivers.processes()
    container = launched(driver, spec())
    try:
        process = psutil.Process(int(container.handle))
        assert process.rlimit(psutil.RLIMIT_AS) == (SMALL.memory_bytes, SMALL.memory_bytes)
        assert len(process.cpu_affinity()) == 1
    finally:
        driver.stop(container, 1)


def test_a_process_that_crashed_is_shown_as_stopped_and_its_event_can_be_cleared(drivers: Drivers) -> None:
    driver = drivers.processes()
    container = launched(driver, spec())
    os.killpg(int(container.handle), signal.SIGKILL)
    wait_until(lambda: [one.state for one in driver.list()] == ["stopped"], "the crash to show")
    driver.stop(driver.list()[0], 0)
    assert driver.list() == ()


def test_a_process_id_that_now_belongs_to_another_program_is_not_touched(drivers: Drivers, tmp_path: Path) -> None:
    driver = drivers.processes()
    container = launched(driver, spec())
    record = tmp_path / "servers/demo/container.json"
    ours = record.read_bytes()
    record.write_bytes(
        ours.replace(b'"process_id":' + container.handle.encode(), f'"process_id":{os.getpid()}'.encode())
    )
    again = drivers.processes()
    assert [one.state for one in again.list()] == ["stopped"]
    again.stop(again.list()[0], 0)
    assert psutil.pid_exists(int(container.handle))
    record.parent.mkdir()
    record.write_bytes(ours)
    driver.stop(container, 1)
    assert not psutil.pid_exists(int(container.handle))


def test_a_paused_container_can_be_stopped(drivers: Drivers, engine: Engine) -> None:
    driver = drivers.docker(engine, "paused")
    container = launched(driver, spec())
    engine.client.containers.get(container.handle).pause()
    driver.stop(container, 1)
    assert driver.list() == ()


def test_a_program_that_is_not_installed_is_named(drivers: Drivers, tmp_path: Path) -> None:
    driver = drivers.processes(nginx=str(tmp_path / "no-nginx"))
    with pytest.raises(ContainerError, match="no-nginx"):
        driver.launch(spec())
    assert not (tmp_path / "servers/demo").exists()


def test_what_nginx_says_of_a_failed_start_is_told(drivers: Drivers) -> None:
    driver = drivers.processes(module="/no/module.so")
    with pytest.raises(ContainerError, match=r"/no/module\.so"):
        driver.launch(spec())


def test_a_launch_that_ended_before_its_start_does_not_block_the_event(drivers: Drivers, tmp_path: Path) -> None:
    folder = tmp_path / "servers/demo"
    folder.mkdir(parents=True)
    driver = drivers.processes()
    with pytest.raises(AlreadyLaunchedError):
        driver.launch(spec())
    os.utime(folder, (1, 1))
    driver.stop(launched(driver, spec()), 1)
