"""One PostgreSQL for all tests of alerts; each test finds its tables empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.database import Database
from bridge.history.migrate import migrate
from tests import servers


@pytest.fixture(scope="package")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.postgres(tmp_path_factory.mktemp("alerts")) as url:
        migrate(url)
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    found.execute("TRUNCATE streams, alerts")
    yield found
    found.close()
