"""Programs of other Debian releases for tests: packages unpacked beside the machine's own, and kept."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

CACHE = Path.home() / ".cache" / "bigfootlive"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpacked(release: str, package: str) -> Path:
    """The folder that holds a package's files; the first call downloads it with apt, through lists of its own."""
    folder = CACHE / f"{package}-{release}"
    if not (folder / "usr").exists():
        apt = CACHE / f"{package}-{release}-apt"
        for name in ("lists/partial", "cache/archives/partial"):
            (apt / name).mkdir(parents=True, exist_ok=True)
        source = f"deb [signed-by={KEYRING}] {_mirror()} {release} main\n"
        (apt / "sources.list").write_text(source, encoding="utf-8")
        _apt(apt, "update", "-qq")
        _apt(apt, "download", "-qq", package)
        (archive,) = apt.glob(f"{package}_*.deb")
        subprocess.run(["dpkg", "-x", str(archive), str(apt / "root")], check=True)
        (apt / "root").rename(folder)
        shutil.rmtree(apt)
    return folder


def _mirror() -> str:
    """The Debian mirror that this machine is set up with."""
    command = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]
    sites = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return next(site for site in sites if site.rstrip("/").endswith("/debian"))


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
