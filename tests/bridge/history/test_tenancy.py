"""Tests of who may read what of history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from bridge.app import create_app
from bridge.assembly import Settings, assemble
from bridge.config import Config
from bridge.tokens import mint
from exporters.settings import Secret
from tests.bridge.history.made import session
from tests.bridge.history.world import World

SECRET = Secret("a secret that only tests know, long enough")


@pytest.fixture
def config(one_url: str, tmp_path: Path) -> Config:
    world = World(one_url, tmp_path)
    world.register("ours", tenant="acme")
    world.register("theirs", tenant="rival")
    now = time.time()
    world.now = world.now.fromtimestamp(now, world.now.tzinfo)
    world.record(
        session(1, stream="ours", joined=now - 60, left=now),
        session(2, stream="theirs", joined=now - 60, left=now),
        session(3, stream="theirs", joined=now - 60, left=now),
    )
    world.close()
    return Config(auth="required", jwt_secret=SECRET, database_url=Secret(one_url))


@pytest.fixture
def client(config: Config) -> Iterator[FlaskClient]:
    parts = assemble(Settings(bridge=config))
    yield create_app(parts.services, parts.areas).test_client()
    parts.services.database.close()


def bearer(config: Config, tenant: str, *roles: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {mint(config, 'somebody', tenant, roles, 600, time.time())}"}


@pytest.mark.parametrize(("tenant", "roles", "views"), [("acme", (), 1), ("rival", (), 2), ("acme", ("admin",), 3)])
def test_a_tenant_sees_the_sums_of_its_own_streams(
    client: FlaskClient, config: Config, tenant: str, roles: tuple[str, ...], views: int
) -> None:
    headers = bearer(config, tenant, *roles)
    for path in ("overview", "historical/all", "export?format=json"):
        answer = client.get(f"/analytics/{path}", headers=headers)
        assert answer.status_code == 200
    assert client.get("/analytics/overview", headers=headers).get_json()["total_views"] == views
    assert client.get("/analytics/historical/all", headers=headers).get_json()["total"] == (2 if roles else 1)
    assert len(client.get("/analytics/top-streams", headers=headers).get_json()) == (2 if roles else 1)


@pytest.mark.parametrize(
    "path",
    [
        "comprehensive/theirs",
        "streams/theirs/sessions",
        "streams/theirs/engagement",
        "summary?streamIds=ours,theirs",
        "geographic?streamId=theirs",
        "devices?streamId=theirs",
        "export?streamIds=theirs",
        "historical/theirs",
    ],
)
def test_another_tenants_stream_is_forbidden(client: FlaskClient, config: Config, path: str) -> None:
    assert client.get(f"/analytics/{path}", headers=bearer(config, "acme")).status_code == 403


def test_a_tenants_name_is_no_sql(client: FlaskClient, config: Config) -> None:
    headers = bearer(config, "x' OR '1'='1")
    for query in ("timezone=Asia/Kolkata", "timezone=Asia/Kolkata&devices=desktop", "period=year"):
        answer = client.get(f"/analytics/devices?{query}", headers=headers)
        assert (answer.status_code, answer.get_json()["devices"]) == (200, {})
        assert client.get(f"/analytics/summary?{query}", headers=headers).get_json()["totalViews"] == 0


def test_a_channel_of_both_shows_only_ones_own(client: FlaskClient, config: Config) -> None:
    body = client.get("/analytics/historical/main", headers=bearer(config, "acme")).get_json()
    assert [one["streamId"] for one in body["streams"]] == ["ours"]


def test_goals_are_each_tenants_own(client: FlaskClient, config: Config) -> None:
    acme, rival = bearer(config, "acme"), bearer(config, "rival")
    assert client.post("/analytics/goals/main", json={"targetViewers": 10}, headers=acme).status_code == 200
    assert "targetViewers" not in client.get("/analytics/goals/main", headers=rival).get_json()


def test_without_a_token_history_is_closed(client: FlaskClient) -> None:
    assert client.get("/analytics/overview").status_code == 401


def test_a_database_that_is_away_is_503() -> None:
    config = Config(auth="off", database_url=Secret("postgresql://analytics@127.0.0.1:1/analytics"))
    parts = assemble(Settings(bridge=config))
    answer = create_app(parts.services, parts.areas).test_client().get("/analytics/overview")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    parts.services.database.close()
