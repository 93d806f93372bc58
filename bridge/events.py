"""The intake of app events: checked here, counted by the session engine, which they are handed to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests
from flask import Blueprint, Response

from bridge import contract
from bridge.answers import answer, json_body
from bridge.auth import current_identity
from bridge.identity import INGEST
from bridge.openapi import describe
from bridge.problems import invalid, unavailable
from bridge.services import Services
from exporters.nesting import MAX_DEPTH, is_deeper

MAX_TEXT = 128
HANDOFF_SECONDS = 3.0


def routes(services: Services) -> Blueprint:
    """The one view of the intake."""
    area = Blueprint("events", __name__)
    intake = EventIntake(services.config.events_url)

    @area.post("/analytics/events")
    @describe("Report what happened in the app", contract.EventTaken, status=202, body=contract.AppEvent, errors=(404,))
    def take() -> Response:
        event = read_event(json_body())
        identity = current_identity()
        services.check_stream(identity, event["streamId"])
        if not identity.anonymous and not identity.has_role(INGEST):
            event["userId"] = identity.subject  # people speak for themselves only
        if not services.config.mock:  # the simulation counts by itself
            intake.hand_over(event)
        taken: contract.EventTaken = {"accepted": True}
        return answer(taken, 202)

    return area


class EventIntake:
    """Hands events to the session engine by HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def hand_over(self, event: Mapping[str, Any]) -> None:
        """Raises a 422 Problem for what the engine refuses, 503 where it cannot take anything."""
        if not self._url:
            raise unavailable("no session engine is configured (BRIDGE_EVENTS_URL)", 60)
        try:
            reply = self._session.post(self._url, json=dict(event), timeout=HANDOFF_SECONDS)
        except requests.RequestException as error:
            raise unavailable("the session engine does not answer", 5) from error
        if reply.status_code in (400, 404, 413, 422):
            raise invalid([("event", reply.text[:200])])
        if not reply.ok:
            raise unavailable("the session engine takes no events now", 5)


def read_event(body: Any) -> dict[str, Any]:
    """An app event with its known fields; raises a 422 Problem that lists every bad one."""
    if not isinstance(body, dict):
        raise invalid([("body", "must be an object")])
    bad = [
        (name, f"must be a text of 1 to {MAX_TEXT} characters")
        for name in ("streamId", "eventType")
        if not (isinstance(body.get(name), str) and 0 < len(body[name]) <= MAX_TEXT)
    ]
    bad += [
        (name, f"must be a text of at most {MAX_TEXT} characters")
        for name in ("sessionId", "userId", "eventId")
        if name in body and not (isinstance(body[name], str) and len(body[name]) <= MAX_TEXT)
    ]
    if not isinstance(body.get("eventData", {}), dict):
        bad.append(("eventData", "must be an object"))
    elif is_deeper(body.get("eventData")):
        bad.append(("eventData", f"must be nested at most {MAX_DEPTH} levels deep"))
    if "timestamp" in body and not _is_instant(body["timestamp"]):
        bad.append(("timestamp", "must be an ISO 8601 instant or Unix milliseconds"))
    if bad:
        raise invalid(bad)
    known = ("streamId", "eventType", "eventData", "timestamp", "sessionId", "userId", "eventId")
    return {name: body[name] for name in known if name in body}


def _is_instant(value: Any) -> bool:
    if isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
