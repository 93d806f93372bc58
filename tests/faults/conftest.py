"""One ground for all faults: what one of them leaves behind, the next one finds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.far_host import may_break
from tests.faults.breakable import ground
from tests.faults.ground import Ground


@pytest.fixture(scope="package")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    if not may_break():
        pytest.skip("small disks and networks can be made by root alone")
    with ground(tmp_path_factory.mktemp("faults")) as made:
        yield made
