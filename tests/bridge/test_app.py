"""What holds for every request: callers, tenants, limits, errors, ids, headers, origins, mounts, slashes."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge.access import Access
from bridge.app import create_app
from bridge.assembly import Parts
from bridge.config import Config
from exporters.settings import Secret
from tests.bridge.streams_made import SECRET, simulated
from tests.bridge.tokens_made import signed

STREAM = "base-camp"
NOW = f"/api/v1/analytics/streams/{STREAM}"
REQUIRED = Config(auth="required", jwt_secret=Secret(SECRET))


def bearer(**claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(**claims)}"}


@pytest.fixture(scope="module")
def open_client() -> Iterator[FlaskClient]:
    app, _ = simulated()
    yield app.test_client()


@pytest.fixture(scope="module")
def closed_client() -> Iterator[FlaskClient]:
    app, _ = simulated(REQUIRED)
    yield app.test_client()


@dataclass(frozen=True)
class Owner:
    tenant_id: str
    privacy: str


class Owners:
    """Streams of two tenants."""

    def owner_of(self, stream_id: str) -> Owner | None:
        return {STREAM: Owner("acme", "private"), "campfire": Owner("rival", "public")}.get(stream_id)


def with_owners(config: Config) -> FlaskClient:
    _, parts = simulated(config)
    services = replace(parts.services, access=Access(Owners(), "default"), registry=None)
    return rebuilt(parts, services).test_client()


def rebuilt(parts: Parts, services: Any) -> Flask:
    from bridge import rest

    return create_app(services, (rest.routes(services),))


@pytest.mark.parametrize("mount", ["/api/v1", "/api", ""])
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_area_answers_at_each_mount_with_and_without_a_slash(
    open_client: FlaskClient, mount: str, slash: str
) -> None:
    answer = open_client.get(f"{mount}/analytics/real-time/{STREAM}{slash}")
    assert (answer.status_code, answer.json["streamId"]) == (200, STREAM)


def test_internal_routes_are_at_the_bare_prefix_only(open_client: FlaskClient) -> None:
    rules = {rule.rule for rule in open_client.application.url_map.iter_rules() if "/internal/" in rule.rule}
    assert rules == {"/internal/publish", "/internal/streams", "/internal/targets", "/internal/alerts"}
    assert open_client.get("/internal/streams").status_code == 200
    assert open_client.get("/api/internal/streams").status_code == 404
    assert open_client.get("/api/v1/internal/streams").status_code == 404


def test_without_authentication_everything_is_open(open_client: FlaskClient) -> None:
    assert open_client.get(NOW).status_code == 200
    assert open_client.get(NOW, headers={"Authorization": "Bearer [object Promise]"}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "reason", "words"),
    [
        ({}, "missing", "needs a token"),
        ({"Authorization": "Basic abc"}, "malformed", "must be Bearer"),
        ({"Authorization": "Bearer abc"}, "malformed", "not a JWT"),
        ({"Authorization": "Bearer [object Promise]"}, "promise", "await the token"),
        (bearer(exp=1000), "expired", "token expired"),
    ],
)
def test_a_refusal_says_why(closed_client: FlaskClient, headers: dict[str, str], reason: str, words: str) -> None:
    answer = closed_client.get(NOW, headers=headers)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.json["reason"] == reason
    assert words in answer.json["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("connection", ["Upgrade", "keep-alive", ""])
def test_an_upgrade_header_opens_nothing(closed_client: FlaskClient, connection: str) -> None:
    headers = {"Upgrade": "websocket", "Connection": connection}
    for path in (NOW, "/api/v1/streams", "/api/v1/analytics/summary", "/api/v1/console/overview"):
        assert closed_client.get(path, headers=headers).status_code in (400, 401, 404, 405)


def test_every_route_that_is_not_open_needs_a_token(closed_client: FlaskClient) -> None:
    app = closed_client.application
    for rule in app.url_map.iter_rules():
        if rule.websocket or getattr(app.view_functions[rule.endpoint], "open_route", False):
            continue
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            assert closed_client.open(path, method=method).status_code == 401, (method, path)


def test_a_token_opens_its_own_tenants_streams() -> None:
    client = with_owners(REQUIRED)
    assert client.get(NOW, headers=bearer(tenant_id="acme")).status_code == 200
    assert client.get(NOW, headers=bearer(tenant_id="rival")).status_code == 403
    assert client.get(NOW, headers=bearer(tenant_id="rival", roles=["admin"])).status_code == 200


def test_anonymous_readers_see_public_streams_only() -> None:
    client = with_owners(replace(REQUIRED, auth="anonymous-read"))
    assert client.get("/api/v1/analytics/streams/campfire").status_code == 200
    private = client.get(NOW)
    assert (private.status_code, private.json["reason"]) == (401, "missing")
    assert client.get(NOW, headers=bearer(tenant_id="acme")).status_code == 200


def test_anonymous_reading_is_no_writing() -> None:
    app, _ = simulated(replace(REQUIRED, auth="anonymous-read"))
    answer = app.test_client().post("/api/v1/analytics/events", json={"streamId": STREAM, "eventType": "like"})
    assert answer.status_code == 401


def test_an_unknown_stream_is_404(open_client: FlaskClient) -> None:
    answer = open_client.get("/api/v1/analytics/streams/nope")
    assert (answer.status_code, answer.json["detail"]) == (404, "no stream 'nope'")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nope", 404), ("DELETE", NOW, 405)])
def test_errors_are_problem_documents(open_client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = open_client.open(path, method=method, headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["instance"] == path
    assert answer.json["requestId"] == answer.headers["X-Request-Id"] == "abc-1"


def test_a_forged_request_id_is_replaced(open_client: FlaskClient) -> None:
    answer = open_client.get("/healthz", headers={"X-Request-Id": "a b<script>"})
    assert len(answer.headers["X-Request-Id"]) == 16


def test_security_headers_are_on_every_answer(open_client: FlaskClient) -> None:
    for path in (NOW, "/nope", "/healthz"):
        headers = open_client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["Cache-Control"] == "no-store"


def test_allowed_origins_may_read_and_others_may_not(open_client: FlaskClient) -> None:
    allowed = open_client.get(NOW, headers={"Origin": "http://localhost:5173"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    foreign = open_client.get(NOW, headers={"Origin": "http://evil.example"})
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert "Origin" in foreign.headers["Vary"]


def test_a_preflight_needs_no_token(closed_client: FlaskClient) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "POST"}
    answer = closed_client.options("/api/v1/analytics/events", headers=asked)
    assert answer.status_code == 204
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/api/version", "/api/openapi.json", "/api/docs"])
def test_health_and_documentation_need_no_token(closed_client: FlaskClient, path: str) -> None:
    assert closed_client.get(path).status_code == 200


def test_an_address_beyond_its_limit_is_told_when_to_come_back() -> None:
    app, parts = simulated(Config(auth="off", rate_limit_address="3/minute"))
    answers = [app.test_client().get(NOW) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert parts.services.telemetry.rate_limited.get("address") == 1
    assert app.test_client().get("/healthz").status_code == 200


def test_bad_tokens_count_against_the_address() -> None:
    app, _ = simulated(replace(REQUIRED, rate_limit_address="2/minute"))
    statuses = [app.test_client().get(NOW, headers={"Authorization": "Bearer x"}).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


@pytest.mark.parametrize("path", ["/nope", "/api/docs", "/api/openapi.json", "/api/internal/nope"])
def test_open_pages_and_unknown_paths_count_against_the_address(path: str) -> None:
    app, _ = simulated(Config(auth="off", rate_limit_address="2/minute"))
    client = app.test_client()
    statuses = [client.get(path).status_code for _ in range(3)]
    assert statuses[0] == statuses[1] in (200, 404)
    assert statuses[2] == client.get(NOW).status_code == 429


def test_health_and_our_own_processes_are_answered_beyond_the_limit() -> None:
    app, _ = simulated(Config(auth="off", rate_limit_address="1/minute"))
    client = app.test_client()
    for path in ("/healthz", "/readyz", "/api/version", "/internal/streams"):
        assert [client.get(path).status_code for _ in range(3)] == [200, 200, 200]
    assert client.get(NOW).status_code == 200


def test_each_token_has_its_own_limit() -> None:
    app, _ = simulated(replace(REQUIRED, rate_limit_token="2/minute", default_tenant="acme"))
    client = app.test_client()
    assert [client.get(NOW, headers=bearer(sub="ann")).status_code for _ in range(3)] == [200, 200, 429]
    assert client.get(NOW, headers=bearer(sub="ben")).status_code == 200


def test_tenants_and_subjects_that_read_alike_have_their_own_limits() -> None:
    app, _ = simulated(replace(REQUIRED, rate_limit_token="2/minute"))
    client = app.test_client()
    for tenant, subject in (("a/b", "c"), ("a", "b/c"), ("a', 'b", "c"), ("a", "b', 'c")):
        mine = bearer(tenant_id=tenant, sub=subject)
        assert [client.get("/api/console/overview", headers=mine).status_code for _ in range(3)] == [200, 200, 429]


def test_each_token_without_a_subject_has_its_own_limit() -> None:
    app, _ = simulated(replace(REQUIRED, rate_limit_token="2/minute", default_tenant="acme"))
    client = app.test_client()
    for lifetime in (3600, 7200):
        mine = bearer(sub=None, exp=int(time.time()) + lifetime)
        again = {"Authorization": mine["Authorization"].replace("Bearer ", "bearer   ")}
        statuses = [client.get(NOW, headers=one).status_code for one in (mine, again, mine)]
        assert statuses == [200, 200, 429]


def test_a_large_body_is_413(open_client: FlaskClient) -> None:
    answer = open_client.post("/api/v1/analytics/events", data=b"x" * 70_000, content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize("told", ["Content-Length", "Transfer-Encoding"])
@pytest.mark.parametrize(("size", "status"), [(65_536, 422), (65_537, 413), (70_000, 413)])
def test_a_body_over_the_maximum_is_413_however_its_length_is_told(
    open_client: FlaskClient, told: str, size: int, status: int
) -> None:
    answer = open_client.post(
        "/api/v1/analytics/events",
        input_stream=io.BytesIO(b"{}".ljust(size)),
        headers={"Transfer-Encoding": "chunked"} if told == "Transfer-Encoding" else {"Content-Length": str(size)},
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},  # as gunicorn says of every body
    )
    assert (answer.status_code, answer.json["status"]) == (status, status)


def test_a_body_of_another_type_is_415(open_client: FlaskClient) -> None:
    assert open_client.post("/api/v1/analytics/events", data=b"x", content_type="text/plain").status_code == 415


def test_a_body_that_is_no_json_is_400(open_client: FlaskClient) -> None:
    answer = open_client.post("/api/v1/analytics/events", data=b"{", content_type="application/json")
    assert answer.status_code == 400


def test_every_bad_field_of_an_event_is_listed(open_client: FlaskClient) -> None:
    body = {"streamId": "", "eventData": 3, "timestamp": "yesterday"}
    answer = open_client.post("/api/v1/analytics/events", json=body)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json["errors"]] == ["streamId", "eventType", "eventData", "timestamp"]


def test_answers_say_what_is_true_about_them(open_client: FlaskClient) -> None:
    meta = open_client.get(f"/api/v1/analytics/real-time/{STREAM}").json["meta"]
    assert meta["asOf"].endswith("Z")
    assert meta["mock"] is True
    assert meta["missing"] == []


def test_both_series_have_the_same_timestamps(open_client: FlaskClient) -> None:
    body = open_client.get(f"/api/v1/analytics/real-time/{STREAM}").json
    viewers = [one["timestamp"] for one in body["viewersOverTime"]]
    assert viewers == [one["timestamp"] for one in body["chatActivity"]]
    assert len(viewers) >= 24


def test_invented_methods_are_counted_as_one() -> None:
    app, parts = simulated()
    for method in ("BREW", "M1", "M2", "PUT"):
        assert app.test_client().open(NOW, method=method).status_code in (200, 405)
    counted = parts.services.telemetry.requests.items()
    assert sorted((labels[1], count) for labels, count in counted) == [("PUT", 1), ("other", 3)]


def test_requests_are_counted_by_route_template() -> None:
    app, parts = simulated()
    app.test_client().get(NOW)
    route = "/api/v1/analytics/streams/<stream_id>"
    assert parts.services.telemetry.requests.get(route, "GET", "2xx") == 1
    assert parts.services.telemetry.in_flight.get() == 0
