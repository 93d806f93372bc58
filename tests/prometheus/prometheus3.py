"""Prometheus 3 for tests: Debian unstable's package, unpacked beside the machine's own packages and kept."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CACHE = Path.home() / ".cache" / "bigfootlive"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCE = f"deb [signed-by={KEYRING}] http://deb.debian.org/debian sid main\n"


def binary() -> Path:
    """Path of its ``prometheus``; the first call downloads it (18 MB) with apt, through a package list of its own."""
    program = CACHE / "prometheus3" / "usr" / "bin" / "prometheus"
    if not program.exists():
        apt = CACHE / "prometheus3" / "apt"
        for folder in ("lists/partial", "cache/archives/partial"):
            (apt / folder).mkdir(parents=True, exist_ok=True)
        (apt / "sources.list").write_text(SOURCE, encoding="utf-8")
        _apt(apt, "update", "-qq")
        _apt(apt, "download", "-qq", "prometheus")
        (package,) = apt.glob("prometheus_*.deb")
        subprocess.run(["dpkg", "-x", str(package), str(CACHE / "prometheus3")], check=True)
        shutil.rmtree(apt)
    return program


def _apt(folder: Path, *command: str) -> None:
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    subprocess.run(["apt-get", *flags, *command], cwd=folder, check=True, capture_output=True)
