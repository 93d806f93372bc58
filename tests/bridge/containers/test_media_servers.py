"""Media servers from launch to end, over REST, with either driver: published to, scraped, watched, priced, stopped."""

from __future__ import annotations

import gc
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import yaml
from werkzeug.serving import make_server

from bridge.containers import assembly
from bridge.containers.docker_engine import DockerEngine, DockerOptions
from bridge.containers.errors import DriverUnavailableError
from bridge.containers.launcher import Launcher
from bridge.containers.media_servers import MediaServers
from bridge.containers.prices import PriceTable, parse_sizes
from bridge.containers.settings import ContainersConfig
from bridge.database import Database
from bridge.history.migrate import migrate
from bridge.snapshot import SnapshotStore
from exporters.settings import Secret
from tests import servers
from tests.bridge.containers.engine import IMAGE, MODULE, Engine
from tests.bridge.streams.world import INTERNAL, World, world
from tests.media import publishing
from tests.servers import wait_until

pytestmark = pytest.mark.live
SIZES = ("small:100:0.5:256:0.05", "large:100000:1:512:0.40")


@pytest.fixture(scope="package")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.postgres(tmp_path_factory.mktemp("events")) as url:
        migrate(url)
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    found.execute("TRUNCATE streams")
    yield found
    found.close()


def settings_for(kind: str, folder: Path, request: pytest.FixtureRequest, **rest: Any) -> ContainersConfig:
    chosen: dict[str, Any] = {
        "driver": kind,
        "owner": "tests-servers",
        "folder": folder,
        "sizes": SIZES,
        "rtmp_module": Path(MODULE),
        "poll_seconds": 0.5,
        "targets_file": str(folder / "targets/media.yml"),
    }
    if kind == "docker":
        engine: Engine = request.getfixturevalue("engine")
        chosen |= {"docker_url": engine.url, "docker_image": IMAGE, "docker_network": engine.network}
        chosen |= {"exporter_address": engine.gateway, "scrape_host": engine.gateway, "hook_host": engine.gateway}
    return ContainersConfig(**{**chosen, **rest})


@contextmanager
def bridge_with(config: ContainersConfig, database: Database | None) -> Iterator[World]:
    """A bridge on a real port, whose media servers are all ended afterwards."""
    snapshots = SnapshotStore()
    port = servers.free_port()
    found = assembly.build(
        config,
        snapshots,
        lambda event_id: False,
        f"http://127.0.0.1:{port}/internal/publish",
        Secret(INTERNAL),
        assembly.containers_table(),
    )
    assert found is not None
    one = world(database, media_servers=found, snapshots=snapshots)
    server = make_server("127.0.0.1", port, one.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        found.launcher.stop()
        for container in found.launcher.driver.list():
            found.launcher.end(container.container_id)
        server.shutdown()
        server.server_close()
        thread.join()
        if isinstance(found.launcher.driver, DockerEngine):
            found.launcher.driver.close()


def servers_of(one: World) -> MediaServers:
    found: MediaServers = one.services.containers
    return found


@pytest.mark.parametrize("kind", ["docker", "processes"])
def test_an_event_is_launched_published_scraped_watched_and_stopped(
    kind: str, tmp_path: Path, database: Database, request: pytest.FixtureRequest
) -> None:
    config = settings_for(kind, tmp_path, request)
    with bridge_with(config, database) as one:
        bob = one.caller("bob", "acme", "operator")
        key = bob.post("/api/streams", {"id": "demo", "title": "Demo"}).get_json()["stream_key"]

        launched = bob.post("/api/containers/launch/demo", {"expected_viewers": 5000})
        body = launched.get_json()
        assert launched.status_code == 200, body
        container_id = body["container_id"]
        assert body["resources"] == {"cpu": "1", "memory": "536.9 MB", "instance_type": "large"}
        assert (body["status"], body["estimated_cost"]) == ("running", "$0.40")
        rtmp, hls = body["rtmp_endpoints"][0]["url"], body["hls_endpoints"][0]["url"]
        again = bob.post("/api/containers/launch/demo", {})
        assert (again.status_code, container_id in again.get_json()["detail"]) == (409, True)

        targets = one.internal().get("/internal/targets").get_json()
        assert yaml.safe_load(Path(config.targets_file).read_text()) == targets
        exporter = f"http://{targets[0]['targets'][0]}"
        wait_until(lambda: requests.get(f"{exporter}/healthz", timeout=2).ok, "the exporter")
        prometheus = (
            "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: media\n"
            f"    file_sd_configs: [{{files: ['{config.targets_file}'], refresh_interval: 1s}}]\n"
        )
        with (
            servers.prometheus(tmp_path / "prometheus", prometheus) as prometheus_url,
            publishing(f"{rtmp}/{key}", tmp_path / "ffmpeg.log"),
        ):
            up = f'livestream_rtmp_stream_up{{stream="demo", container="{container_id}"}} == 1'
            wait_until(lambda: servers.instant(prometheus_url, up), "Prometheus to see the stream by its public id")
            playlist = wait_until(lambda: requests.get(hls, timeout=2), "the playlist")
            wait_until(lambda: "#EXTINF" in requests.get(hls, timeout=2).text, "segments")
            assert key not in playlist.text
            servers_of(one).launcher.turn()
            status = bob.get(f"/api/containers/status/{container_id}").get_json()
            assert (status["status"], status["health"]) == ("running", "healthy")
            assert status["metrics"]["active_connections"] == "1"
            assert status["metrics"]["memory_usage"].endswith(" of 536.9 MB")
            assert status["metrics"]["network_in"] != "0 B"
            assert status["metrics"]["cpu_usage"].endswith("%")
            logs = bob.get(f"/api/containers/logs/{container_id}?lines=200").get_json()
            assert logs["container_id"] == container_id and logs["logs"]
            assert key not in str(logs)

        ended = bob.post(f"/api/containers/stop/{container_id}").get_json()
        assert (ended["container_id"], ended["status"]) == (container_id, "stopped")
        assert ended["duration"].startswith("00:00:") and ended["estimated_cost"].startswith("$0.00")
        assert bob.get(f"/api/containers/status/{container_id}").get_json()["status"] == "stopped"
        assert one.internal().get("/internal/targets").get_json() == []
        assert yaml.safe_load(Path(config.targets_file).read_text()) == []
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{exporter}/healthz", timeout=2)
        assert list((tmp_path / "exporters").iterdir()) == []


def test_a_wrong_key_is_refused_by_a_launched_server(
    tmp_path: Path, database: Database, request: pytest.FixtureRequest
) -> None:
    with bridge_with(settings_for("processes", tmp_path, request), database) as one:
        bob = one.caller("bob", "acme", "operator")
        bob.post("/api/streams", {"id": "demo", "title": "Demo"})
        body = bob.post("/api/containers/launch/demo").get_json()
        with publishing(body["rtmp_endpoints"][0]["url"] + "/wrong", tmp_path / "ffmpeg.log") as publisher:
            publisher.wait(timeout=30)
        assert publisher.returncode != 0


def test_only_operators_launch_and_other_tenants_see_nothing(
    tmp_path: Path, database: Database, request: pytest.FixtureRequest
) -> None:
    config = settings_for("processes", tmp_path, request, exporter=False)
    with bridge_with(config, database) as one:
        bob, eve = one.caller("bob", "acme", "operator"), one.caller("eve", "umbrella", "operator")
        bob.post("/api/streams", {"id": "demo", "title": "Demo"})
        assert one.caller("ann").post("/api/containers/launch/demo").status_code == 403
        assert eve.post("/api/containers/launch/demo").status_code == 403
        assert bob.post("/api/containers/launch/nothing").status_code == 404
        assert bob.post("/api/containers/launch/demo", {"expected_viewers": "many"}).status_code == 422
        container_id = bob.post("/api/containers/launch/demo").get_json()["container_id"]
        refused = [
            eve.get(f"/api/containers/status/{container_id}"),
            eve.get(f"/api/containers/logs/{container_id}"),
            eve.post(f"/api/containers/stop/{container_id}"),
            one.caller("ann").post(f"/api/containers/stop/{container_id}"),
        ]
        assert [answer.status_code for answer in refused] == [403] * 4
        assert one.caller("ann").get(f"/api/containers/status/{container_id}").status_code == 200
        assert bob.get("/api/containers/status/ctr-none").status_code == 404
        assert bob.get(f"/api/containers/logs/{container_id}?lines=0").status_code == 400
        assert one.services.telemetry.commands.get("container_launch", "ok") == 1
        assert one.services.telemetry.commands.get("container_launch", "refused") == 4


def test_a_stream_that_is_over_is_not_launched(
    tmp_path: Path, database: Database, request: pytest.FixtureRequest
) -> None:
    with bridge_with(settings_for("processes", tmp_path, request), database) as one:
        bob = one.caller("bob", "acme", "operator")
        bob.post("/api/streams", {"id": "demo", "title": "Demo"})
        bob.patch("/api/streams/demo", {"status": "cancelled"})
        assert bob.post("/api/containers/launch/demo").status_code == 409


def test_no_more_servers_run_than_may(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    config = settings_for("processes", tmp_path, request, limit=1, exporter=False)
    with bridge_with(config, None) as one:
        root = one.caller("root", "x", "admin")
        assert root.post("/api/containers/launch/one").status_code == 200
        refused = root.post("/api/containers/launch/two")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "60")


def test_an_engine_that_is_away_is_a_503(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    config = settings_for("processes", tmp_path, request, nginx=str(tmp_path / "no-nginx"), rtmp_module=Path("."))
    with bridge_with(config, None) as one:
        answer = one.caller("root", "x", "admin").post("/api/containers/launch/demo")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "no-nginx" in answer.get_json()["detail"]


def test_while_docker_does_not_answer_nothing_is_claimed_of_its_containers(engine: Engine) -> None:
    driver = DockerEngine(engine.url, DockerOptions(IMAGE, "tests-away", network=engine.network))
    launcher = Launcher(driver, PriceTable(parse_sizes(SIZES)))
    root = world(None, media_servers=MediaServers(launcher, SnapshotStore())).caller("root", "x", "admin")
    container, _ = launcher.launch("demo", "acme", 10, False)
    status = f"/api/containers/status/{container.container_id}"
    assert root.get(status).get_json()["status"] == "running"
    socket = Path(engine.url.removeprefix("unix://"))
    elsewhere = socket.rename(socket.with_name("elsewhere"))
    driver.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the SDK drops the socket of a failed connection
        with pytest.raises(DriverUnavailableError):
            launcher.turn()
        refused = root.get(status)
        gc.collect()
    elsewhere.rename(socket)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "10")
    launcher.turn()
    assert root.get(status).get_json()["status"] == "running"
    launcher.end(container.container_id)
    driver.close()


def test_without_a_driver_the_routes_say_so() -> None:
    answer = world(None).caller("root", "x", "admin").post("/api/containers/launch/demo")
    assert answer.status_code == 503
    assert "BRIDGE_CONTAINERS_DRIVER" in answer.get_json()["detail"]


def test_the_socket_sends_status_viewers_and_health(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with bridge_with(settings_for("processes", tmp_path, request, exporter=False), None) as one:
        one.show_live("demo", viewers=10)
        container_id = one.caller("root", "x", "admin").post("/api/containers/launch/demo").get_json()["container_id"]
        status, viewers, health = servers_of(one).messages(container_id)
        assert status == {
            "type": "container_status",
            "container_id": container_id,
            "payload": {
                "type": "metrics",
                "data": {
                    "bitrate": 2000,
                    "fps": 25,
                    "resolution": "",
                    "latency": 0,
                    "dropped_frames": 0,
                    "status": "running",
                },
            },
        }
        assert viewers["payload"] == {"current": 10, "peak": 15, "total": 40}
        assert (health["type"], health["payload"]) == ("stream_health", {"status": "live", "health": "healthy"})
        servers_of(one).launcher.end(container_id)
        ended = servers_of(one).messages(container_id)
        assert ended[0]["payload"]["data"]["status"] == "stopped"
        assert servers_of(one).messages("ctr-none") == ()


def test_a_bridge_that_starts_again_keeps_what_runs_and_removes_what_is_left_over(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = settings_for("processes", tmp_path, request)
    with bridge_with(config, None) as first:
        launcher = servers_of(first).launcher
        running, _ = launcher.launch("running", "acme", 10, False)
        crashed, _ = launcher.launch("crashed", "acme", 10, False)
        over, _ = launcher.launch("over", "acme", 10, False)
        os.killpg(int(crashed.handle), signal.SIGKILL)
        wait_until(lambda: {one.state for one in launcher.driver.list()} == {"running", "stopped"}, "the crash")
        again = assembly.build(
            config,
            SnapshotStore(),
            lambda event_id: event_id == "over",
            "http://127.0.0.1:1/",
            Secret(""),
            assembly.containers_table(),
        )
        assert again is not None
        again.launcher.clean_up()
        again.launcher.turn()
        assert [one.container_id for one in again.launcher.driver.list()] == [running.container_id]
        launcher.turn()
        assert set(launcher.readings) == {running.container_id}
        assert not psutil.pid_exists(int(over.handle))
        exporters = tmp_path / "exporters"
        wait_until(lambda: {one.stem for one in exporters.glob("*.json")} == {running.container_id}, "the exporters")


def test_an_exporter_that_died_is_started_again(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with bridge_with(settings_for("processes", tmp_path, request), None) as one:
        launcher = servers_of(one).launcher
        launcher.start()
        container, _ = launcher.launch("demo", "acme", 10, False)
        address = f"http://127.0.0.1:{container.exporter_port}/healthz"
        wait_until(lambda: requests.get(address, timeout=2).ok, "the exporter")
        record = tmp_path / f"exporters/{container.container_id}.json"
        first = record.read_bytes()
        os.kill(int(first.split(b":")[1].split(b",")[0]), signal.SIGKILL)
        wait_until(lambda: record.read_bytes() != first, "another exporter")
        wait_until(lambda: requests.get(address, timeout=2).ok, "the exporter to answer again")


def test_recording_is_written_where_the_settings_say(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    config = settings_for("processes", tmp_path, request, recordings=str(recordings), exporter=False)
    with bridge_with(config, None) as one:
        root = one.caller("root", "x", "admin")
        body = root.post("/api/containers/launch/demo", {"recording_enabled": True}).get_json()
        with publishing(body["rtmp_endpoints"][0]["url"] + "/demo", tmp_path / "ffmpeg.log"):
            wait_until(lambda: any(one.stat().st_size for one in recordings.glob("demo-*.flv")), "the recording")


def test_recording_without_a_folder_is_declined_in_words(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with bridge_with(settings_for("processes", tmp_path, request, exporter=False), None) as one:
        root = one.caller("root", "x", "admin")
        body = root.post("/api/containers/launch/demo", {"recording_enabled": True}).get_json()
        assert "does not record" in body["message"]
