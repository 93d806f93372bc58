"""The routes of history."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response

from bridge.database import DatabaseUnavailableError
from bridge.history.channel_views import ChannelViews
from bridge.history.selection_views import SelectionViews
from bridge.history.stream_views import StreamViews
from bridge.problems import not_found, unavailable
from bridge.services import Services


def routes(services: Services) -> Blueprint:
    """The views, with paths relative to a mount."""
    area = Blueprint("history", __name__)
    stream, channel, selection = StreamViews(services), ChannelViews(services), SelectionViews(services)

    def add(path: str, view: Callable[..., Response], method: str = "GET") -> None:
        area.add_url_rule(path, view.__name__, guarded(view), methods=[method])

    add("/analytics/comprehensive/<stream_id>", stream.comprehensive)
    add("/analytics/historical/<channel_id>", channel.historical)
    add("/analytics/summary", selection.summary)
    add("/analytics/streams/<stream_id>/sessions", stream.sessions)
    add("/analytics/streams/<stream_id>/engagement", stream.engagement)
    add("/analytics/top-streams", selection.top_streams)
    add("/analytics/geographic", selection.geographic)
    add("/analytics/devices", selection.devices)
    add("/analytics/overview", selection.overview)
    add("/analytics/viewership", selection.viewership)
    add("/analytics/audience", selection.audience)
    add("/analytics/performance/summary", selection.performance)
    add("/analytics/revenue/breakdown", selection.revenue)
    add("/analytics/export", selection.export)
    add("/analytics/goals/<channel_id>", channel.goals)
    add("/analytics/goals/<channel_id>", channel.set_goals, "POST")
    return area


def guarded(view: Callable[..., Response]) -> Callable[..., Response]:
    """The view, which answers 503 while the database is away, and 404 for a name that PostgreSQL cannot hold."""

    @functools.wraps(view)
    def guard(**arguments: Any) -> Response:
        for name in arguments.values():
            if "\0" in name:
                raise not_found("stream or channel", name)
        try:
            return view(**arguments)
        except DatabaseUnavailableError as error:
            raise unavailable("history is away: the database does not answer") from error

    return guard
