"""The routes of history."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from bridge import contract, numbers
from bridge.answers import answer, json_body
from bridge.auth import current_identity
from bridge.contract import instant
from bridge.database import DatabaseUnavailableError
from bridge.history import parameters
from bridge.history.documented import (
    DATES,
    FILTER,
    MOST_POINTS,
    ORDERS,
    PAGE,
    QUERY,
    STEPS,
    STREAM,
    TAG,
    ZONE,
    page_size,
)
from bridge.history.exports import FORMATS, export
from bridge.history.history import History
from bridge.history.parameters import Asked, read_choice, read_filter, read_number, read_query
from bridge.history.selection import Selection
from bridge.history.visible import Visible
from bridge.history.window import Window
from bridge.openapi import Parameter, describe
from bridge.problems import bad_parameter, unauthorized, unavailable
from bridge.services import Services
from bridge.snapshot import HOPS, StreamState


def routes(services: Services) -> Blueprint:
    """The views, with paths relative to a mount."""
    area = Blueprint("history", __name__)
    views = Views(services)

    def add(path: str, view: Callable[..., Response], method: str = "GET") -> None:
        area.add_url_rule(path, view.__name__, guarded(view), methods=[method])

    add("/analytics/comprehensive/<stream_id>", views.comprehensive)
    add("/analytics/historical/<channel_id>", views.historical)
    add("/analytics/summary", views.summary)
    add("/analytics/streams/<stream_id>/sessions", views.sessions)
    add("/analytics/streams/<stream_id>/engagement", views.engagement)
    add("/analytics/top-streams", views.top_streams)
    add("/analytics/geographic", views.geographic)
    add("/analytics/devices", views.devices)
    add("/analytics/overview", views.overview)
    add("/analytics/viewership", views.viewership)
    add("/analytics/audience", views.audience)
    add("/analytics/performance/summary", views.performance)
    add("/analytics/revenue/breakdown", views.revenue)
    add("/analytics/export", views.export)
    add("/analytics/goals/<channel_id>", views.goals)
    add("/analytics/goals/<channel_id>", views.set_goals, "POST")
    return area


def guarded(view: Callable[..., Response]) -> Callable[..., Response]:
    """The view, which answers 503 while the database is away."""

    @functools.wraps(view)
    def guard(**arguments: Any) -> Response:
        try:
            return view(**arguments)
        except DatabaseUnavailableError as error:
            raise unavailable("history is away: the database does not answer") from error

    return guard


class Views:
    """What each route does."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @property
    def _history(self) -> History:
        if self._services.history is None:
            raise unavailable("history needs a database, and none is configured", 3600)
        history: History = self._services.history
        return history

    @property
    def _visible(self) -> Visible:
        return Visible(self._services, self._history)

    @describe("A stream comprehensively", contract.ComprehensiveAnalytics, tag=TAG, query=FILTER, errors=(404,))
    def comprehensive(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        asked = read_filter(request.args, self._history.now())
        selection = Selection((stream_id,), asked.filter)
        body = self._history.comprehensive(stream_id, selection, asked.window)
        body["realTime"] = self._present(stream_id)
        return answer(body)

    @describe(
        "A channel over a period",
        contract.HistoricalAnalytics,
        tag=TAG,
        query=(
            *FILTER,
            PAGE,
            page_size("streams a page", 5, 50),
        ),
        errors=(404,),
        description="The channel `all` is every stream that the caller may see.",
    )
    def historical(self, channel_id: str) -> Response:
        asked = read_filter(request.args, self._history.now())
        page = read_number(request.args, "page", 1, 100_000)
        limit = read_number(request.args, "limit", 5, 50)
        selection = self._visible.channel(channel_id, asked)
        return answer(self._history.historical(selection, asked.window, (page - 1) * limit, limit))

    @describe("A period against the one before", contract.AnalyticsSummary, tag=TAG, query=QUERY)
    def summary(self) -> Response:
        return self._selected(lambda selection, window: self._history.summary(selection, window))

    @describe(
        "A stream's sessions, newest first",
        contract.ViewerSessions,
        tag=TAG,
        query=(PAGE, page_size("sessions a page", 50, 500)),
        errors=(404,),
    )
    def sessions(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        page = read_number(request.args, "page", 1, 100_000_000)
        limit = read_number(request.args, "limit", 50, 500)
        return answer(self._history.sessions(stream_id, page, limit))

    @describe(
        "A stream's course",
        list[contract.EngagementPoint],
        tag=TAG,
        query=(Parameter("interval", str, "step", schema={"enum": list(STEPS), "default": "5m"}), *DATES, ZONE),
        errors=(404,),
        description="Of the last broadcast, where no dates are given.",
    )
    def engagement(self, stream_id: str) -> Response:
        self._visible.check_stream(stream_id)
        step = STEPS[read_choice(request.args, "interval", "5m", STEPS)]
        now = self._history.now()
        window = read_query(request.args, now).window
        if not (request.args.get("startDate") or request.args.get("endDate")):
            aired = self._history.last_aired(stream_id) or (now - timedelta(hours=1), now)
            window = Window.of(aired[0], aired[1] + timedelta(minutes=1), window.zone)
        if window.length.total_seconds() / step > MOST_POINTS:
            raise bad_parameter("interval", f"is too short for these dates: over {MOST_POINTS} points")
        return answer(self._history.engagement(stream_id, window, step))

    @describe(
        "The best streams",
        list[contract.StreamingMetrics],
        tag=TAG,
        query=(
            Parameter("metric", str, "what is best", schema={"enum": list(ORDERS), "default": "viewers"}),
            page_size("how many", 10, 100),
            *QUERY,
        ),
    )
    def top_streams(self) -> Response:
        order = read_choice(request.args, "metric", "viewers", ORDERS)
        limit = read_number(request.args, "limit", 10, 100)
        return self._selected(lambda selection, window: self._history.top_streams(selection, window, order, limit))

    @describe("Where viewers were", contract.Geographic, tag=TAG, query=(STREAM, *QUERY))
    def geographic(self) -> Response:
        return self._selected(lambda selection, window: self._history.geographic(selection, window))

    @describe("What viewers watched with", contract.DeviceDistribution, tag=TAG, query=(STREAM, *QUERY))
    def devices(self) -> Response:
        return self._selected(lambda selection, window: self._history.devices(selection, window))

    @describe("The few numbers of an overview", contract.Overview, tag=TAG, query=QUERY)
    def overview(self) -> Response:
        return self._selected(lambda selection, window: self._history.overview(selection, window))

    @describe(
        "Views by day",
        contract.Viewership,
        tag=TAG,
        query=(
            Parameter("days", int, "the last days", schema={"minimum": 1, "maximum": 366}),
            *QUERY,
        ),
    )
    def viewership(self) -> Response:
        asked = read_query(request.args, self._history.now())
        window = asked.window
        if "days" in request.args:
            days = read_number(request.args, "days", 30, 366)
            window = Window.last_days(days, self._history.now(), window.zone)
        return answer(self._history.viewership(self._visible.selection(asked), window))

    @describe("Shares of the audience", contract.AudienceShares, tag=TAG, query=QUERY)
    def audience(self) -> Response:
        return self._selected(lambda selection, window: self._history.audience(selection, window))

    @describe("How well streams were published and played", contract.PerformanceSummary, tag=TAG, query=QUERY)
    def performance(self) -> Response:
        return self._selected(lambda selection, window: self._history.performance(selection, window))

    @describe("Revenue by kind and day", contract.RevenueBreakdown, tag=TAG, query=QUERY)
    def revenue(self) -> Response:
        currency = self._services.config.currency
        return self._selected(lambda selection, window: self._history.revenue(selection, window, currency))

    @describe(
        "A file of every stream and day",
        str,
        tag=TAG,
        query=(
            Parameter("format", str, "kind of file", schema={"enum": list(FORMATS), "default": "csv"}),
            *QUERY,
        ),
        media=tuple(FORMATS.values()),
    )
    def export(self) -> Response:
        kind = read_choice(request.args, "format", "csv", FORMATS)
        asked = read_query(request.args, self._history.now())
        if self._services.database is None:
            raise unavailable("files are made from the database, and none is configured", 3600)
        made = export(self._services.database, self._history, kind, self._visible.selection(asked), asked.window)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.chunks, 200, headers, content_type=FORMATS[kind])

    @describe("A channel's goals", contract.AnalyticsGoals, tag=TAG, query=(ZONE,), errors=(404,))
    def goals(self, channel_id: str) -> Response:
        return self._goals(channel_id, None)

    @describe(
        "Set a channel's goals",
        contract.AnalyticsGoals,
        tag=TAG,
        query=(ZONE,),
        body=contract.GoalsRequest,
        errors=(404, 413, 415, 422),
    )
    def set_goals(self, channel_id: str) -> Response:
        if current_identity().anonymous:
            raise unauthorized("missing", "setting goals needs a token")
        return self._goals(channel_id, parameters.read_goals(json_body()))

    def _goals(self, channel_id: str, changes: dict[str, Any] | None) -> Response:
        identity = current_identity()
        tenant = identity.tenant_id or self._services.config.default_tenant
        zone = parameters.read_zone(request.args)
        now = self._history.now()
        asked = Asked((), read_query({}, now).filter, Window.calendar("month", now, zone))
        selection = self._visible.channel(channel_id, asked)
        body = self._history.goals(
            tenant, channel_id, selection, lambda period: Window.calendar(period, now, zone), changes
        )
        return answer(body)

    def _selected(self, read: Callable[[Selection, Window], Any]) -> Response:
        asked = read_query(request.args, self._history.now())
        return answer(read(self._visible.selection(asked), asked.window))

    def _present(self, stream_id: str) -> contract.RealTimeAnalytics:
        """The stream now; zeros with every source missing while nothing is known of it."""
        services = self._services
        snapshot = services.snapshots.present
        state = None if snapshot is None else snapshot.streams.get(stream_id)
        if snapshot is None or state is None:
            return nothing_now(stream_id, services.clock())
        made = numbers.real_time(state, services.timeline.course(stream_id, snapshot.taken), snapshot.taken)
        made["meta"] = services.snapshots.meta(snapshot, state.missing)
        return made


def nothing_now(stream_id: str, now: float) -> contract.RealTimeAnalytics:
    """RealTimeAnalytics of a stream that is not on air: zeros, and every source missing."""
    missing = tuple(HOPS)
    made = numbers.real_time(StreamState(stream_id, missing=missing), [], now)
    made["meta"] = {"asOf": instant(now), "ageSeconds": 0, "stale": False, "missing": list(missing)}
    return made
