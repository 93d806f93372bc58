"""App events are checked, signed with their caller, and handed to the session engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge import events
from bridge.app import create_app
from bridge.config import Config
from exporters.server import Reply, Request, RunningService, Service
from exporters.settings import Secret
from tests import servers
from tests.bridge.streams_made import SECRET, simulated
from tests.bridge.tokens_made import signed

PATH = "/api/v1/analytics/events"
EVENT = {"streamId": "base-camp", "eventType": "like", "timestamp": "2026-11-23T18:00:00Z", "userId": "somebody"}


@dataclass
class Engine:
    """A session engine that keeps what it is handed."""

    status: int = 202
    taken: list[Any] = field(default_factory=list)
    url: str = ""

    def take(self, request: Request) -> Reply:
        self.taken.append(json.loads(request.body))
        return Reply(self.status, b'{"problem": "no such event"}')


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Engine()
    running = RunningService(Service("engine", [], routes={"/events": one.take}), ("127.0.0.1", 0)).start()
    one.url = f"http://127.0.0.1:{running.port}/events"
    yield one
    running.stop()


def client(url: str, **settings: Any) -> FlaskClient:
    _, parts = simulated(Config(**{"auth": "off", "events_url": url, **settings}))
    services = replace(parts.services, config=replace(parts.services.config, mock=False))
    return create_app(services, (events.routes(services),)).test_client()


def test_an_event_is_handed_over(engine: Engine) -> None:
    answer = client(engine.url).post(PATH, json={**EVENT, "extra": 1})
    assert (answer.status_code, answer.json) == (202, {"accepted": True})
    assert engine.taken == [EVENT]


def test_people_speak_for_themselves_and_services_for_others(engine: Engine) -> None:
    closed = client(engine.url, auth="required", jwt_secret=Secret(SECRET), default_tenant="acme")
    for roles in ([], ["ingest"]):
        headers = {"Authorization": f"Bearer {signed(sub='ann', roles=roles)}"}
        assert closed.post(PATH, json=EVENT, headers=headers).status_code == 202
    assert [one["userId"] for one in engine.taken] == ["ann", "somebody"]


def test_an_event_of_an_unknown_stream_is_404(engine: Engine) -> None:
    assert client(engine.url).post(PATH, json={**EVENT, "streamId": "nope"}).status_code == 404
    assert engine.taken == []


@pytest.mark.parametrize(("depth", "status"), [(32, 202), (33, 422), (1000, 422)])
def test_an_event_is_nested_at_most_32_levels_deep(engine: Engine, depth: int, status: int) -> None:
    nested = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    body = b'{"streamId":"base-camp","eventType":"like","eventData":' + nested + b"}"
    answer = client(engine.url).post(PATH, data=body, content_type="application/json")
    assert answer.status_code == status
    assert [one["field"] for one in answer.json.get("errors", ())] == (["eventData"] if status == 422 else [])


def test_what_the_engine_refuses_is_422(engine: Engine) -> None:
    engine.status = 400
    answer = client(engine.url).post(PATH, json=EVENT)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "event")


def test_an_engine_that_cannot_take_anything_is_503(engine: Engine) -> None:
    engine.status = 500
    assert client(engine.url).post(PATH, json=EVENT).status_code == 503
    assert client(f"http://127.0.0.1:{servers.free_port()}/events").post(PATH, json=EVENT).status_code == 503
    assert client("").post(PATH, json=EVENT).status_code == 503
