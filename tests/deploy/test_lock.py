"""The lock files hold every dependency, pinned within its bounds, with hashes."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from deploy.local.config import PROJECT

PROJECT_FILE = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
RUN = PROJECT_FILE["project"]["dependencies"]
DEVELOP = PROJECT_FILE["dependency-groups"]["dev"]
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\$")


def pinned(name: str) -> dict[str, list[str]]:
    """Versions by package; a package may be pinned twice, for different platforms."""
    found: dict[str, list[str]] = {}
    lines = (PROJECT / name).read_text("utf-8").splitlines()
    for number, line in enumerate(lines):
        if line and not line.startswith((" ", "#")):
            match = PIN.match(line)
            assert match, line
            assert lines[number + 1].startswith("    --hash=sha256:"), line
            found.setdefault(match[1], []).append(match[2])
    return found


@pytest.mark.parametrize(("name", "wanted"), [("requirements.lock", RUN), ("requirements-dev.lock", RUN + DEVELOP)])
def test_every_dependency_is_locked_within_its_bounds(name: str, wanted: list[str]) -> None:
    found = pinned(name)
    for text in wanted:
        requirement = Requirement(text)
        versions = found[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert all(version in requirement.specifier for version in versions), text


def test_both_lock_files_agree() -> None:
    run, develop = pinned("requirements.lock"), pinned("requirements-dev.lock")
    assert {name: develop[name] for name in run} == run
