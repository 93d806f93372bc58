"""What the routes about a selection of streams do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Response, request

from bridge import contract
from bridge.answers import answer
from bridge.history.documented import ORDERS, QUERY, STREAM, TAG, page_size
from bridge.history.exports import FORMATS, export
from bridge.history.parameters import read_choice, read_number, read_query
from bridge.history.selection import Selection
from bridge.history.views import Views
from bridge.history.window import Window
from bridge.openapi import Parameter, describe
from bridge.problems import unavailable


class SelectionViews(Views):
    """Sums, splits and files of some streams, or of all that the caller may see."""

    @describe("A period against the one before", contract.AnalyticsSummary, tag=TAG, query=QUERY)
    def summary(self) -> Response:
        return self._selected(lambda selection, window: self._history.summary(selection, window))

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

    def _selected(self, read: Callable[[Selection, Window], Any]) -> Response:
        asked = read_query(request.args, self._history.now())
        return answer(read(self._visible.selection(asked), asked.window))
