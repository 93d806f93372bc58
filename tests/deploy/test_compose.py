"""The compose file: what it promises as text, and the whole stack under a real Docker Engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from bridge.containers.settings import ContainersConfig
from deploy.docker.files import files
from deploy.local.config import PROJECT
from exporters.hls.targets import read_endpoints
from exporters.rtmp.targets import parse_targets
from tests.bridge.containers.engine import Engine, docker_engine
from tests.debian import unpacked
from tests.deploy.standins import import_image, override, stand_ins
from tests.servers import free_port, instant, wait_until

PORTS = ("RTMP_PORT", "EDGE_PORT", "LOGS_PORT", "REPORTS_PORT", "BRIDGE_PORT", "GRAFANA_PORT")
PINNED = re.compile(r"^[a-z/]+:v?\d+\.\d+\.\d+(-pg\d+)?$")


@pytest.fixture(scope="module")
def compose() -> Path:
    """Docker Compose 2; Debian 12 has version 1 alone, the next release has 2."""
    return unpacked("trixie", "docker-compose") / "usr/libexec/docker/cli-plugins/docker-compose"


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    subprocess.run([PROJECT / "deploy/docker/make-secrets.sh", folder], check=True, capture_output=True)
    return folder


def configuration(compose: Path, secrets: Path, *overrides: Path) -> dict[str, Any]:
    """The compose file with the demo and further files, as Compose itself understands it."""
    files = [part for path in (PROJECT / "docker-compose.yml", *overrides) for part in ("-f", path)]
    command = [compose, *files, "--profile", "demo", "config", "--format", "json"]
    done = subprocess.run(command, cwd=PROJECT, env=environ(secrets), check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def environ(secrets: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "SECRETS": str(secrets), **more}


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_the_generated_configuration_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == files()[path]


def test_secrets_are_made_once_and_closed_to_other_users(secrets: Path) -> None:
    before = {path.name: path.read_text() for path in secrets.iterdir()}
    subprocess.run([PROJECT / "deploy/docker/make-secrets.sh", secrets], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == before
    assert before["database-url"] == f"postgresql://analytics:{before['database-password']}@database:5432/analytics"
    assert secrets.stat().st_mode & 0o777 == 0o700


def test_every_service_is_pinned_watched_limited_and_without_privileges(compose: Path, secrets: Path) -> None:
    services = configuration(compose, secrets)["services"]
    assert len(services) == 13
    for name, service in services.items():
        assert PINNED.match(service["image"]), name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert int(service["user"].partition(":")[0]) > 0, name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert ("healthcheck" in service) == (service.get("profiles") is None), name
        for variable in service.get("environment", {}):
            assert not re.search(r"(TOKEN|SECRET|PASSWORD|DATABASE_URL)$", variable), name


def test_only_public_services_have_ports_and_a_way_out(compose: Path, secrets: Path) -> None:
    found = configuration(compose, secrets)
    assert found["networks"]["inside"]["internal"] is True
    public = {name for name, service in found["services"].items() if "public" in service["networks"]}
    published = {"media", "cdn", "viewers", "bridge", "grafana"}
    assert {name for name, service in found["services"].items() if service.get("ports")} == published
    assert public == {*published, "alertmanager"}, "pagers, mail and chat are outside"
    assert all("inside" in service["networks"] for service in found["services"].values())


def test_exporters_get_a_way_out_by_the_lines_that_the_page_tells(compose: Path, secrets: Path, tmp_path: Path) -> None:
    page = (PROJECT / "docs/deploy.md").read_text("utf-8")
    (lines,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "HLS_ENDPOINTS" in block]
    (tmp_path / "compose.override.yml").write_text(lines, encoding="utf-8")
    services = configuration(compose, secrets, tmp_path / "compose.override.yml")["services"]
    for name in ("hls", "rtmp"):
        assert set(services[name]["networks"]) == {"public", "inside"}
    assert [one.name for one in read_endpoints("it", _list(services["hls"], "HLS_ENDPOINTS"))] == ["origin", "cdn"]
    assert [one.backend for one in parse_targets("it", _list(services["rtmp"], "RTMP_TARGETS"))] == [
        "nginx-rtmp",
        "srs",
    ]


def _list(service: dict[str, Any], variable: str) -> list[str]:
    found: str = service["environment"][variable]
    return found.split(",")


def test_the_bridge_launches_media_servers_from_the_image_that_compose_builds(compose: Path, secrets: Path) -> None:
    assert configuration(compose, secrets)["services"]["media"]["image"] == ContainersConfig().docker_image


def test_what_the_images_are_built_from_is_there() -> None:
    for path in (PROJECT / "deploy/docker").glob("*ockerfile"):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                for source in line.split()[1:-1]:
                    assert (PROJECT / source).exists(), f"{path.name}: {line}"


@dataclass(frozen=True)
class Stack:
    """The stack that runs: its engine, its published ports by variable, its secrets."""

    engine: Engine
    ports: Mapping[str, int]
    secrets: Path

    def url(self, port: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[port]}{path}"

    def container(self, service: str) -> Any:
        (found,) = self.engine.client.containers.list(filters={"label": f"com.docker.compose.service={service}"})
        return found

    def inside(self, service: str, port: int) -> str:
        """A service's address on the inner network, which this machine, and no other, can reach."""
        networks = self.container(service).attrs["NetworkSettings"]["Networks"]
        return f"http://{networks['bigfootlive_inside']['IPAddress']}:{port}"


@pytest.fixture(scope="module")
def stack(compose: Path, secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("compose")
    services = configuration(compose, secrets)["services"]
    found = stand_ins(unpacked("sid", "prometheus") / "usr/bin")
    (folder / "standins.yml").write_text(yaml.safe_dump(override(services, found)), encoding="utf-8")
    ports = {name: free_port() for name in PORTS}
    with docker_engine(folder) as engine:
        for image in {service["image"] for service in services.values()}:
            import_image(engine.client, image, found[image.partition(":")[0]])
        command = [compose, "-f", PROJECT / "docker-compose.yml", "-f", folder / "standins.yml", "--profile", "demo"]
        variables = {name: str(port) for name, port in ports.items()}
        variables |= {"DOCKER_HOST": engine.url, "DEMO_VIEWERS": "3"}
        up = [*command, "up", "--wait", "--wait-timeout", "240", "--no-build", "--pull", "never", "--quiet-pull"]
        done = subprocess.run(up, env=environ(secrets, **variables), check=False, capture_output=True, text=True)
        try:
            assert done.returncode == 0, done.stderr[-3000:] + logs(engine)
            yield Stack(engine, ports, secrets)
        finally:
            down = [*command, "down", "--volumes", "--timeout", "1"]
            subprocess.run(down, env=environ(secrets, **variables), check=False, capture_output=True)


def logs(engine: Engine) -> str:
    """The last lines of each container, for a failure's message."""
    containers = engine.client.containers.list(all=True)
    return "".join(f"\n--- {one.name} {one.status}\n{one.logs(tail=8).decode()}" for one in containers)


@pytest.mark.live
def test_the_stack_comes_up_healthy_in_order(stack: Stack) -> None:
    started = {}
    for container in stack.engine.client.containers.list():
        started[container.labels["com.docker.compose.service"]] = container.attrs["State"]["StartedAt"]
        health = container.attrs["State"].get("Health", {"Status": "none"})["Status"]
        assert health in ("healthy", "none"), container.name
    assert len(started) == 13
    for first, then in (("rtmp", "media"), ("database", "bridge"), ("prometheus", "bridge"), ("bridge", "publisher")):
        assert started[first] < started[then]


@pytest.mark.live
def test_numbers_flow_from_the_publisher_through_every_service(stack: Stack) -> None:
    prometheus = stack.inside("prometheus", 9090)
    wait_until(lambda: len(instant(prometheus, 'up{service="livestream"} == 1')) == 6, "all targets", 30)
    mint = stack.container("bridge").exec_run(["python", "-m", "bridge", "token", "--subject", "tests"])
    token = {"Authorization": f"Bearer {mint.output.decode().strip()}"}
    numbers = stack.url("BRIDGE_PORT", "/api/v1/analytics/real-time/demo")
    assert requests.get(numbers, timeout=5).status_code == 401
    wait_until(
        lambda: requests.get(numbers, headers=token, timeout=5).json().get("currentViewers") == 3,
        "the audience in REST",
        60,
    )
    ready = requests.get(stack.url("BRIDGE_PORT", "/readyz"), timeout=5).json()
    assert ready["ready"] and ready["dependencies"]["database"]["ready"]


@pytest.mark.live
def test_alertmanager_is_admitted_by_the_bridge_and_known_to_prometheus(stack: Stack) -> None:
    found = requests.get(stack.inside("prometheus", 9090) + "/api/v1/alertmanagers", timeout=5).json()
    assert [one["url"] for one in found["data"]["activeAlertmanagers"]] == ["http://alertmanager:9093/api/v2/alerts"]
    token = (stack.secrets / "internal-token").read_text()
    assert token == stack.container("alertmanager").exec_run(["cat", "/run/secrets/internal-token"]).output.decode()


@pytest.mark.live
def test_no_container_can_write_to_its_root_or_gain_privileges(stack: Stack) -> None:
    for container in stack.engine.client.containers.list():
        host = container.attrs["HostConfig"]
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and not host["Privileged"], container.name
        assert host["Memory"] > 0 and host["PidsLimit"] > 0 and host["NanoCpus"] > 0, container.name
    assert stack.container("prometheus").exec_run(["touch", "/etc/written"]).exit_code != 0
