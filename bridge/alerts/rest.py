"""The routes of alerts: what Alertmanager tells, and what the app reads and acknowledges."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, request

from bridge import contract, problems
from bridge.alerts.book import AlertBook
from bridge.alerts.model import PLATFORM, Alert, KeptAlert, Wanted
from bridge.alerts.webhook import MAX_NOTIFICATION_BYTES, Told, read_notification
from bridge.answers import answer, json_body
from bridge.auth import current_identity, open_route
from bridge.identity import Identity
from bridge.openapi import Parameter, describe
from bridge.parameters import whole_number
from bridge.problems import Problem
from bridge.services import Services
from exporters import metrics
from exporters.exposition import Samples

ALL = "all"
OPEN = {"open": True, "closed": False, "all": None}
PAGE, PAGE_LIMIT = 200, 1000
LIST_QUERY = (
    Parameter("status", str, "open alerts, closed ones or all", schema={"enum": list(OPEN), "default": "open"}),
    Parameter("limit", int, "at most so many", schema={"minimum": 1, "maximum": PAGE_LIMIT, "default": PAGE}),
)


def routes(services: Services) -> Blueprint:
    """The blueprint of alerts."""
    blueprint = Blueprint("alerts", __name__)
    views = AlertViews(services)
    add = blueprint.add_url_rule
    add("/analytics/alerts/<channel_id>", "list", views.list_alerts, methods=["GET"])
    add("/analytics/alerts/<alert_id>/acknowledge", "acknowledge", views.acknowledge, methods=["POST"])
    add("/internal/alerts", "take", views.take, methods=["POST"])
    return blueprint


class AlertViews:
    """What each route does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._book: AlertBook = services.alerts
        self._received = Samples(metrics.BRIDGE_ALERTS_RECEIVED)
        services.telemetry.add(self._received)

    @describe("Alerts of a channel or stream, newest first", list[contract.AnalyticsAlert], query=LIST_QUERY)
    def list_alerts(self, channel_id: str) -> Response:
        """``all`` is everything that the caller may see; the platform's own alerts are for admins."""
        identity = _known_caller()
        if not identity.is_admin and not identity.tenant_id:
            return answer([])
        wanted = Wanted(
            tenant_id=None if identity.is_admin else identity.tenant_id,
            about=None if channel_id == ALL else channel_id,
            open=_openness(request.args.get("status", "open")),
            limit=whole_number("limit", request.args.get("limit"), PAGE, PAGE_LIMIT),
        )
        found = self._book.list(wanted)
        if not found and channel_id != ALL:
            self._check_channel(identity, channel_id)
        return answer([analytics_alert(one) for one in found])

    @describe("Acknowledge an alert", contract.AnalyticsAlert, errors=(404,))
    def acknowledge(self, alert_id: str) -> Response:
        identity = _known_caller()
        kept = self._book.get(alert_id)
        if not _may_see(identity, kept.alert):
            raise problems.forbidden("this alert belongs to another tenant")
        return answer(analytics_alert(self._book.acknowledge(alert_id, identity.subject)))

    @open_route
    def take(self) -> Response:
        """Alertmanager's webhook."""
        self._services.auth.check_internal()
        try:
            told = read_notification(json_body(MAX_NOTIFICATION_BYTES))
            self._book.take([self._alert(one) for one in told])
        except Problem as problem:
            self._received.add(1, "failed" if problem.status >= 500 else "refused")
            raise
        for one in told:
            self._received.add(1, "firing" if one.firing else "resolved")
        return answer({"taken": len(told)})

    def _alert(self, told: Told) -> Alert:
        """What was told, for the tenant and channel of its stream."""
        stream_id = told.labels.get("stream", "")
        record = self._services.registry.get(stream_id) if stream_id and self._services.registry else None
        name = told.labels.get("alertname", "Alert")
        summary = told.annotations.get("summary", name)
        return Alert(
            fingerprint=told.fingerprint,
            tenant_id=self._services.access.tenant_of(stream_id) if stream_id else PLATFORM,
            channel_id=record.channel_id if record is not None else stream_id,
            stream_id=stream_id,
            type=name,
            title=summary,
            message=told.annotations.get("description", summary),
            severity=told.severity,
            raised_at=told.starts_at,
            closed_at=None if told.firing else told.ends_at,
            data={
                "labels": dict(told.labels),
                "runbookUrl": told.annotations.get("runbook_url", ""),
                "dashboardUrl": told.annotations.get("dashboard_url", ""),
                "sourceUrl": told.source_url,
            },
        )

    def _check_channel(self, identity: Identity, channel_id: str) -> None:
        """Nothing to tell: is the channel known, and the caller's? Raises a 404 or 403 Problem."""
        services = self._services
        streams = {channel_id} | (services.registry.of_channel(channel_id) if services.registry else frozenset())
        snapshot = services.snapshots.present
        known = [
            one
            for one in streams
            if (snapshot is not None and one in snapshot.streams)
            or (services.registry is not None and services.registry.get(one) is not None)
        ]
        if not known:
            raise problems.not_found("channel", channel_id)
        if not any(services.access.may_see(identity, one) for one in known):
            services.access.check(identity, known[0])


def analytics_alert(kept: KeptAlert) -> contract.AnalyticsAlert:
    """The wire shape of an alert."""
    alert = kept.alert
    body: dict[str, Any] = {
        "id": kept.id,
        "type": alert.type,
        "title": alert.title,
        "message": alert.message,
        "timestamp": contract.instant(alert.raised_at.timestamp()),
        "acknowledged": alert.acknowledged_at is not None,
        "severity": alert.severity,
        "data": dict(alert.data),
        "status": "open" if alert.closed_at is None else "closed",
    }
    if alert.stream_id:
        body["streamId"] = alert.stream_id
    if alert.closed_at is not None:
        body["closedAt"] = contract.instant(alert.closed_at.timestamp())
    if alert.acknowledged_at is not None:
        body["acknowledgedAt"] = contract.instant(alert.acknowledged_at.timestamp())
    return cast(contract.AnalyticsAlert, body)


def _known_caller() -> Identity:
    identity = current_identity()
    if identity.anonymous:
        raise problems.unauthorized("missing", "this needs a token")
    return identity


def _may_see(identity: Identity, alert: Alert) -> bool:
    return identity.is_admin or (alert.tenant_id != PLATFORM and identity.tenant_id == alert.tenant_id)


def _openness(text: str) -> bool | None:
    if text not in OPEN:
        raise problems.bad_parameter("status", f"must be one of {', '.join(OPEN)}")
    return OPEN[text]
