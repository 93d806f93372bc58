"""Tests run the compiled modules, or their source where ``INTERPRETED=1`` is set; never what is out of date."""

from __future__ import annotations

import os

import pytest

from benchmarks import interpreted

if os.environ.get("INTERPRETED"):
    interpreted.prefer_source()


def pytest_configure() -> None:
    outdated = interpreted.outdated()
    if outdated and not os.environ.get("INTERPRETED"):
        pytest.exit(f"{outdated[0].name} is older than its source: run `make build`", returncode=4)
