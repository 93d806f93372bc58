"""Media servers of a real bridge process: launched by REST, watched on the container socket, stopped."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bridge.containers.exporters import ExporterOptions, Exporters
from bridge.containers.processes import LocalProcesses, ProcessOptions
from tests.bridge.containers.engine import MODULE
from tests.bridge.platform import bridge
from tests.servers import wait_until

pytestmark = pytest.mark.live


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a bridge keeps its servers; they outlive it, so they are ended here."""
    yield tmp_path / "containers"
    driver = LocalProcesses(ProcessOptions("bigfootlive", tmp_path / "containers"))
    for container in driver.list():
        driver.stop(container, 1)
    Exporters(ExporterOptions(tmp_path / "containers/exporters", "", "", "", "")).keep_only(frozenset())


def test_a_container_is_followed_on_its_socket_while_the_bridge_answers_others(tmp_path: Path, folder: Path) -> None:
    environ = {
        "BRIDGE_CONTAINERS_DRIVER": "processes",
        "BRIDGE_CONTAINERS_FOLDER": str(folder),
        "BRIDGE_CONTAINERS_RTMP_MODULE": MODULE,
        "BRIDGE_CONTAINERS_POLL_SECONDS": "0.5",
    }
    with bridge(tmp_path, environ, ready="/healthz") as url:
        launched = requests.post(f"{url}/api/containers/launch/demo", timeout=30)
        assert launched.status_code == 200, launched.text
        container_id = launched.json()["container_id"]
        answers: list[int] = []
        stopping = threading.Event()

        def ask() -> None:
            while not stopping.is_set():
                answers.append(requests.get(f"{url}/healthz", timeout=5).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        for path in ("/ws/container", "/api/ws/container"):
            with connect(f"{url.replace('http', 'ws')}{path}/{container_id}") as socket:
                first = [json.loads(socket.recv(timeout=5)) for _ in range(3)]
                assert [one["type"] for one in first] == ["container_status", "viewer_count", "stream_health"]
                assert {one["container_id"] for one in first} == {container_id}
                assert first[2]["payload"] == {"status": "offline", "health": "healthy"}
        unknown = f"{url.replace('http', 'ws')}/ws/container/ctr-none"
        with connect(unknown) as socket, pytest.raises(ConnectionClosed, match="4404"):
            socket.recv(timeout=5)
        wait_until(
            lambda: (
                requests.get(f"{url}/api/containers/status/{container_id}", timeout=5).json()["health"] == "healthy"
            ),
            "the container to be healthy",
        )
        stopped = requests.post(f"{url}/api/containers/stop/{container_id}", timeout=30)
        stopping.set()
        asking.join()
        assert stopped.json()["status"] == "stopped"
        assert set(answers) == {200}


def test_a_restarted_bridge_finds_its_servers(tmp_path: Path, folder: Path) -> None:
    environ = {
        "BRIDGE_CONTAINERS_DRIVER": "processes",
        "BRIDGE_CONTAINERS_FOLDER": str(folder),
        "BRIDGE_CONTAINERS_RTMP_MODULE": MODULE,
    }
    with bridge(tmp_path, environ, ready="/healthz") as url:
        first = requests.post(f"{url}/api/containers/launch/demo", timeout=30).json()
    assert requests.get(first["hls_endpoints"][0]["url"].rsplit("/hls", 1)[0] + "/stat", timeout=5).ok
    with bridge(tmp_path, environ, ready="/healthz") as url:
        status = requests.get(f"{url}/api/containers/status/{first['container_id']}", timeout=5)
        assert status.json()["status"] == "running"
        assert requests.post(f"{url}/api/containers/launch/demo", timeout=30).status_code == 409
        stopped = requests.post(f"{url}/api/containers/stop/{first['container_id']}", timeout=30)
        assert stopped.json()["status"] == "stopped"
