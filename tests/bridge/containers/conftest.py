"""One Docker Engine for all tests of the Docker driver."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.containers.engine import Engine, docker_engine


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with docker_engine(tmp_path_factory.mktemp("docker")) as found:
        yield found
