"""Bridges over the simulation that many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.platform import bridge
from tests.bridge.streams_made import SECRET


@pytest.fixture(scope="session")
def open_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bridge without authentication, over the simulation."""
    with bridge(tmp_path_factory.mktemp("open"), {"BRIDGE_MOCK": "1"}) as url:
        yield url


@pytest.fixture(scope="session")
def closed_bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bridge over the simulation that needs tokens, and forgives clocks nothing."""
    environ = {
        "BRIDGE_MOCK": "1",
        "BRIDGE_AUTH": "required",
        "BRIDGE_JWT_SECRET": SECRET,
        "BRIDGE_JWT_LEEWAY_SECONDS": "0",
        "BRIDGE_DEFAULT_TENANT": "acme",
    }
    with bridge(tmp_path_factory.mktemp("closed"), environ) as url:
        yield url
