"""The test servers themselves start, answer and end."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests import servers


@pytest.mark.live
def test_a_fresh_postgres_answers_and_ends(tmp_path: Path) -> None:
    with servers.postgres(tmp_path) as url, psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_database(), 1 + 1").fetchone()
    assert row == ("analytics", 2)
    port = int(url.rsplit(":", 1)[1].split("/")[0])
    assert not servers.port_answers(port)


@pytest.mark.live
def test_a_fresh_prometheus_answers_queries(tmp_path: Path) -> None:
    with servers.prometheus(tmp_path, "global: {scrape_interval: 1s}\n") as url:
        assert servers.instant(url, "vector(42)") == [({}, 42.0)]
