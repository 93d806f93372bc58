"""Goals of a channel: its targets, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from bridge.contract import finite
from bridge.database import Connection
from bridge.history.event_sums import EventSums
from bridge.history.series_sums import SeriesSums
from bridge.history.session_sums import SessionSums
from bridge.history.shapes import percent


@dataclass(frozen=True, slots=True)
class Targets:
    """What a channel wants to reach in each period; None where it wants nothing."""

    viewers: float | None = None
    revenue: float | None = None
    followers: float | None = None
    stream_hours: float | None = None
    engagement_rate: float | None = None
    period: str = "month"

    def numbers(self) -> dict[str, float]:
        """The targets that are set, by name."""
        values = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "period"}
        return {name: float(value) for name, value in values.items() if value is not None}


WIRE = {
    "viewers": ("viewers", "targetViewers"),
    "revenue": ("revenue", "targetRevenue"),
    "followers": ("followers", "targetFollowers"),
    "stream_hours": ("streamHours", "targetStreamHours"),
    "engagement_rate": ("engagementRate", "targetEngagementRate"),
}
"""Each goal's name on the wire: of its value, and of its target."""


def current(sessions: SessionSums, events: EventSums, series: SeriesSums) -> dict[str, float]:
    """The present value of every goal."""
    return {
        "viewers": sessions.plays,
        "revenue": finite(events.revenue, 2),
        "followers": events.event("follow").events,
        "stream_hours": finite(series.publishing_seconds / 3600, 2),
        "engagement_rate": percent(sessions.engaged, sessions.sessions),
    }


def progress(targets: Targets, values: Mapping[str, float]) -> dict[str, float]:
    """Percent of each target that is set; a target of nothing is reached."""
    return {
        name: finite(100 * values[name] / target, 2) if target > 0 else 100
        for name, target in targets.numbers().items()
    }


def load(connection: Connection, tenant: str, channel: str) -> Targets:
    """A channel's targets; none set where it never had any."""
    row = connection.execute(
        "SELECT target_viewers, target_revenue, target_followers, target_stream_hours, target_engagement_rate, period"
        " FROM goals WHERE tenant_id = %s AND channel_id = %s",
        (tenant, channel),
    ).fetchone()
    return Targets(*row) if row else Targets()


def save(connection: Connection, tenant: str, channel: str, changes: Mapping[str, Any]) -> Targets:
    """Set these fields of a channel's targets and leave the others."""
    targets = replace(load(connection, tenant, channel), **changes)
    connection.execute(
        """INSERT INTO goals (tenant_id, channel_id, target_viewers, target_revenue, target_followers,
  target_stream_hours, target_engagement_rate, period, updated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, now())
ON CONFLICT (tenant_id, channel_id) DO UPDATE SET target_viewers = excluded.target_viewers,
  target_revenue = excluded.target_revenue, target_followers = excluded.target_followers,
  target_stream_hours = excluded.target_stream_hours, target_engagement_rate = excluded.target_engagement_rate,
  period = excluded.period, updated_at = now()""",
        (tenant, channel, *(getattr(targets, one.name) for one in fields(targets))),
    )
    return targets


def wire(channel: str, targets: Targets, values: Mapping[str, float]) -> dict[str, Any]:
    """AnalyticsGoals without ``meta``."""
    return {
        "channelId": channel,
        "period": targets.period,
        **{WIRE[name][1]: target for name, target in targets.numbers().items()},
        "current": {on_wire: values[name] for name, (on_wire, _) in WIRE.items()},
        "progress": {WIRE[name][1]: share for name, share in progress(targets, values).items()},
    }
