"""Alertmanager's notifications, as recorded and as hostile as they come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.alerts.webhook import ALERTS_LIMIT, Told, read_notification
from bridge.problems import Problem

RECORDED = json.loads((Path(__file__).parents[2] / "fixtures/alerts/webhook.json").read_text())


def one(**changes: Any) -> dict[str, Any]:
    return {"alerts": [{**RECORDED["alerts"][0], **changes}]}


def test_a_recorded_notification_is_read() -> None:
    assert read_notification(RECORDED) == [
        Told(
            fingerprint="97f50f5299744521",
            firing=True,
            labels={"alertname": "TargetDown", "instance": "127.0.0.1:1", "job": "dead", "severity": "critical"},
            annotations={"summary": "127.0.0.1:1 down"},
            starts_at=datetime(2026, 11, 23, 9, 19, 55, 696000, tzinfo=UTC),
            ends_at=datetime(2026, 11, 23, 9, 19, 55, 696000, tzinfo=UTC),
            source_url="http://vm:19090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        )
    ]


def test_a_resolved_alert_has_its_end_with_nanoseconds_and_zone() -> None:
    told = read_notification(one(status="resolved", endsAt="2026-11-23T10:21:00.123456789+01:00"))[0]
    assert (told.firing, told.ends_at) == (False, datetime(2026, 11, 23, 9, 21, 0, 123456, tzinfo=UTC))


def test_an_unknown_severity_is_a_warning() -> None:
    assert read_notification(one(labels={"severity": "page"}))[0].severity == "warning"
    assert read_notification(one(labels={"severity": "info"}))[0].severity == "info"


def test_an_alert_without_a_fingerprint_is_known_by_its_labels() -> None:
    assert read_notification(one(fingerprint="", labels={"b": "2", "a": "1"}))[0].fingerprint == "a=1 b=2"


def test_texts_are_bounded_and_hold_no_nul() -> None:
    told = read_notification(one(annotations={"summary": "a\0b" + "x" * 9000}))[0]
    assert told.annotations["summary"].startswith("abx") and len(told.annotations["summary"]) == 2000


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"alerts": {}},
        one(status="maybe"),
        one(startsAt="soon"),
        one(startsAt="2026-11-23T09:19:55"),
        one(labels=[]),
        one(labels={"a": 1}),
        {"alerts": [7]},
        {"alerts": [RECORDED["alerts"][0]] * (ALERTS_LIMIT + 1)},
    ],
)
def test_what_is_no_notification_is_refused_with_the_reason(body: Any) -> None:
    with pytest.raises(Problem) as raised:
        read_notification(body)
    assert raised.value.status == 422
    assert raised.value.extra["errors"][0]["field"].startswith("alerts")


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda x: st.lists(x), max_leaves=5))
def test_no_value_breaks_the_reading(value: Any) -> None:
    fields = ("status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint")
    for body in (value, {"alerts": value}, {"alerts": [value]}, *(one(**{name: value}) for name in fields)):
        try:
            read_notification(body)
        except Problem as problem:
            assert problem.status == 422
