"""The wheel: built from the project, whole, and running by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy.local.config import PROJECT
from exporters.__main__ import KINDS
from tests.test_compiled import SOURCES as COMPILED_SOURCES

SOURCES = (
    "exporters",
    "prometheus",
    "bridge",
    "dashboards",
    "deploy",
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
)
INSIDE = (
    "exporters/viewers/player.js",
    "prometheus/rules/recording.yml",
    "prometheus/runbook.md",
    "bridge/console/index.html",
    "bridge/console/dist/console.js",
    "bridge/console/dist/console.css",
    "bridge/templates/api.html",
    "dashboards/generated/livestream-fleet.json",
    "dashboards/provisioning/datasources/livestream.yml",
    "deploy/local/nginx.conf.template",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a copy, without the network, by the build tools of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(source, folder / name)
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", "out", "."]
    subprocess.run([sys.executable, *build], cwd=folder, check=True, capture_output=True)
    (found,) = (folder / "out").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment with the wheel; dependencies come from this environment."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    install = ["-m", "pip", "--python", folder / "bin/python", "install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, *install], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (dependencies,) = Path(sys.prefix).glob("lib/python*/site-packages")
    # Only what lies in that folder: its .pth file, which adds this checkout, is not followed.
    (packages / "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    return folder / "bin"


def test_the_wheel_has_what_runs_beside_the_code(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert set(INSIDE) <= names
    migrations = {
        f"bridge/history/migrations/{path.name}" for path in (PROJECT / "bridge/history/migrations").iterdir()
    }
    assert {name for name in migrations if name.endswith(".sql")} <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "var/", "node_modules/"))]


def test_the_hot_modules_are_in_the_wheel_compiled(wheel: Path) -> None:
    compiled = [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so") and "__mypyc" not in name]
    assert sorted(f"{name.partition('.')[0]}.py" for name in compiled) == sorted(COMPILED_SOURCES)


def run(installed: Path, *command: str) -> str:
    """Output of a program of the fresh environment."""
    environ = {**os.environ, "VIEWERS_PUBLIC_LISTEN": "127.0.0.1:0"}
    # Without a work folder of the project in the path, so that only what is installed is found.
    done = subprocess.run(
        [installed / command[0], *command[1:]], cwd=installed, capture_output=True, text=True, env=environ
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_command_runs_from_its_own_files(installed: Path) -> None:
    commands = {"exporters", "serve", "record", "migrate", "history", "token", "openapi"}
    assert commands <= set(run(installed, "bigfootlive", "--help").split())
    for module in ("bridge", "exporters.viewers.engine"):
        where = run(installed, "python", "-c", f"import {module}; print({module}.__file__)")
        assert where.startswith(str(installed.parent))


@pytest.mark.parametrize("kind", KINDS)
def test_every_exporter_of_the_wheel_accepts_its_defaults(installed: Path, kind: str) -> None:
    assert run(installed, "bigfootlive", "exporters", kind, "--check-config") == f"{kind}: configuration is fine\n"
