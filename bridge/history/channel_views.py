"""What the routes about one channel do."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from bridge import contract
from bridge.answers import answer, json_body
from bridge.auth import current_identity
from bridge.history.documented import FILTER, PAGE, TAG, ZONE, page_size
from bridge.history.parameters import Asked, read_filter, read_goals, read_number, read_zone
from bridge.history.selection import Filter
from bridge.history.views import Views
from bridge.history.window import Window
from bridge.openapi import describe
from bridge.problems import unauthorized


class ChannelViews(Views):
    """A channel over a period, and its goals."""

    @describe(
        "A channel over a period",
        contract.HistoricalAnalytics,
        tag=TAG,
        query=(*FILTER, PAGE, page_size("streams a page", 5, 50)),
        errors=(404,),
        description="The channel `all` is every stream that the caller may see.",
    )
    def historical(self, channel_id: str) -> Response:
        asked = read_filter(request.args, self._history.now())
        page = read_number(request.args, "page", 1, 100_000)
        limit = read_number(request.args, "limit", 5, 50)
        selection = self._visible.channel(channel_id, asked)
        return answer(self._history.historical(selection, asked.window, (page - 1) * limit, limit))

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
        return self._goals(channel_id, read_goals(json_body()))

    def _goals(self, channel_id: str, changes: dict[str, Any] | None) -> Response:
        identity = current_identity()
        tenant = identity.tenant_id or self._services.config.default_tenant
        zone = read_zone(request.args)
        now = self._history.now()
        asked = Asked((), Filter(), Window.calendar("month", now, zone))
        selection = self._visible.channel(channel_id, asked)
        body = self._history.goals(
            tenant, channel_id, selection, lambda period: Window.calendar(period, now, zone), changes
        )
        return answer(body)
