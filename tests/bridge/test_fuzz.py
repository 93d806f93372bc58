"""Whatever a body, a token, a handshake or a cursor says: it is read, or refused with the reason; nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import orjson
import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.alerts.webhook import read_notification
from bridge.auth import token_of
from bridge.containers.request import read_launch
from bridge.events import read_event
from bridge.handshake import acceptance, is_plain
from bridge.identity import Identity
from bridge.problems import Problem
from bridge.streams.fields import read_change, read_creation
from bridge.tokens import TokenError, TokenVerifier
from tests.anything import JSON, spoiled
from tests.bridge.alerts.test_webhook import RECORDED
from tests.bridge.streams_made import SECRET, simulated

EVENT = {
    **{"streamId": "demo", "eventType": "tip", "userId": "u", "sessionId": "s", "eventId": "e"},
    **{"timestamp": "2026-11-23T18:00:00Z", "eventData": {"amount": 5, "currency": "EUR"}},
}
STREAM = {
    **{"id": "demo", "channel_id": "main", "title": "Demo", "description": "d", "category": "c", "privacy": "public"},
    **{"scheduled_start": "2026-11-23T18:00:00Z", "tags": ["a"], "chatEnabled": True, "thumbnail_url": "https://x"},
}
LAUNCH = {"expected_viewers": 5, "audience_regions": ["eu"], "recording_enabled": True, "quality_settings": {}}
ALERTS = st.lists(spoiled(RECORDED["alerts"][0]), max_size=2).map(lambda alerts: {**RECORDED, "alerts": alerts})
READERS: dict[str, tuple[Callable[[Any], Any], st.SearchStrategy[Any]]] = {
    "app event": (read_event, spoiled(EVENT)),
    "new stream": (read_creation, spoiled(STREAM)),
    "changed stream": (read_change, spoiled({**STREAM, "status": "live"})),
    "media server": (read_launch, spoiled(LAUNCH)),
    "notification": (read_notification, ALERTS | spoiled(RECORDED)),
}


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_body_is_read_or_refused_by_field(kind: str, data: st.DataObject) -> None:
    reader, bodies = READERS[kind]
    body = orjson.loads(orjson.dumps(data.draw(bodies | JSON)))
    try:
        orjson.dumps(reader(body), default=str)
    except Problem as problem:
        assert problem.status == 422 and problem.extra["errors"]


def test_an_instant_after_the_last_year_is_refused() -> None:
    alert = {**RECORDED["alerts"][0], "endsAt": "9999-12-31T23:59:59-01:00"}
    with pytest.raises(Problem, match="alerts"):
        read_notification({"alerts": [alert]})


VERIFIER = TokenVerifier(("HS256",), lambda header: SECRET, now=lambda: 1.7e9)
CLAIMS = {"sub": "ann", "tenant_id": "acme", "exp": 2e9, "nbf": 1.0, "roles": ["admin"], "scope": "a b", "aud": "x"}


@settings(max_examples=200, deadline=None)
@given(spoiled(CLAIMS), JSON)
@example({**CLAIMS, "exp": 10**400}, None)
def test_any_claims_name_somebody_or_are_refused(claims: dict[str, Any], roles: Any) -> None:
    token = jwt.api_jws.encode(json.dumps({**claims, "role": roles}).encode(), SECRET, algorithm="HS256")
    believed(token)


PARTS = st.sampled_from(["", "e30", "bm90", base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")])
HEADS = st.sampled_from([{"alg": "none"}, {"alg": ["HS256"]}, {"alg": "HS256", "kid": 5, "crit": ["b64"]}]) | JSON
WRITTEN = HEADS.map(lambda head: base64.urlsafe_b64encode(json.dumps(head).encode()).decode().rstrip("="))


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS | WRITTEN | st.text(max_size=20), max_size=4).map(".".join))
def test_any_text_is_no_token_of_ours(token: str) -> None:
    assert believed(token) is None


def believed(token: str) -> Identity | None:
    try:
        found = VERIFIER.verify(token)
    except TokenError as error:
        assert error.reason.isidentifier()
        return None
    assert found.is_admin or found.tenant_id
    return found


HEADERS = {
    "REQUEST_METHOD": "GET",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_HOST": "here",
    "HTTP_CONNECTION": "keep-alive, Upgrade",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_PROTOCOL": "bearer, x",
    "CONTENT_LENGTH": "0",
}
LATIN = st.text(st.characters(max_codepoint=255), max_size=30)


@given(st.dictionaries(st.sampled_from(list(HEADERS)), LATIN, max_size=3))
def test_any_handshake_is_plain_or_left_to_others(changes: dict[str, str]) -> None:
    environ = {**HEADERS, **changes}
    if is_plain(environ):
        assert acceptance(environ, "id").startswith(b"HTTP/1.1 101 ")


@given(st.dictionaries(st.sampled_from(["Authorization", "Sec-WebSocket-Protocol"]), LATIN), LATIN)
def test_any_header_carries_a_token_or_none(headers: dict[str, str], argument: str) -> None:
    for websocket in (False, True):
        try:
            found = token_of(headers, {"token": argument}, websocket)  # type: ignore[arg-type]
        except TokenError as error:
            assert error.reason == "malformed"
        else:
            assert found is None or isinstance(found, str)


@pytest.fixture(scope="module")
def app() -> Flask:
    return simulated()[0]


CURSORS = JSON.map(lambda value: base64.urlsafe_b64encode(orjson.dumps(value)).decode()) | st.text(max_size=20)
ARGUMENTS = st.dictionaries(st.sampled_from(["cursor", "limit", "status", "timezone"]), CURSORS, max_size=3)


@settings(max_examples=100, deadline=None)
@given(ARGUMENTS)
@example({"cursor": base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+14:00","a"]').decode()})
@example({"cursor": base64.urlsafe_b64encode(b'["9999-12-31T23:59:59-12:00","a"]').decode()})
def test_any_page_of_streams_is_there_or_refused(app: Flask, arguments: dict[str, str]) -> None:
    reply = app.test_client().get("/api/streams", query_string=arguments)
    assert reply.status_code in (200, 400), reply.get_data(as_text=True)
