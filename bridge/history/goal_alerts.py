"""Alerts of goals that are reached: one a goal and period."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bridge.alerts.model import Alert
from bridge.alerts.store import raise_alert
from bridge.database import Connection
from bridge.history import goals
from bridge.history.scopes import tenant_scope
from bridge.history.selection import Selection
from bridge.history.whole import whole
from bridge.history.window import Window

CHECK_SECONDS = 60.0
ALL = "all"
TITLES = {
    "viewers": "Viewer goal reached",
    "revenue": "Revenue goal reached",
    "followers": "Follower goal reached",
    "stream_hours": "Streaming goal reached",
    "engagement_rate": "Engagement goal reached",
}
UNITS = {
    "viewers": "views",
    "revenue": "{currency}",
    "followers": "new followers",
    "stream_hours": "hours on air",
    "engagement_rate": "percent engaged",
}


class GoalAlerts:
    """Looks once a minute which goals are reached, as a task of the recorder."""

    def __init__(
        self,
        currency: str,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._currency = currency
        self._clock = clock
        self._now = now
        self._due = 0.0

    def turn(self, connection: Connection) -> bool:
        if self._clock() < self._due:
            return False
        self._due = self._clock() + CHECK_SECONDS
        for tenant, channel in connection.execute("SELECT tenant_id, channel_id FROM goals").fetchall():
            self._check(connection, tenant, channel)
        return False

    def _check(self, connection: Connection, tenant: str, channel: str) -> None:
        targets = goals.load(connection, tenant, channel)
        window = Window.calendar(targets.period, self._now(), ZoneInfo("UTC"))
        one = whole(connection, goal_selection(connection, tenant, channel), window)
        values = goals.current(one.sessions, one.events, one.series)
        for name, share in goals.progress(targets, values).items():
            if share >= 100:
                self._reached(connection, tenant, channel, name, targets.numbers()[name], values[name], window)

    def _reached(
        self,
        connection: Connection,
        tenant: str,
        channel: str,
        name: str,
        target: float,
        value: float,
        window: Window,
    ) -> None:
        key = (tenant, channel, name, window.start.date(), target)
        known = connection.execute(
            "SELECT 1 FROM goals_reached WHERE tenant_id = %s AND channel_id = %s AND goal = %s"
            " AND period_start = %s AND target = %s",
            key,
        ).fetchone()
        if known:
            return
        unit = UNITS[name].format(currency=self._currency)
        alert = Alert(
            fingerprint=f"goal/{tenant}/{channel}/{name}/{window.start:%Y-%m-%d}/{target:g}",
            tenant_id=tenant,
            channel_id=channel,
            type="goal",
            title=TITLES[name],
            message=f"{value:g} of {target:g} {unit}",
            severity="info",
            raised_at=self._now(),
            data={"goal": goals.WIRE[name][1], "target": target, "current": value},
        )
        with connection.transaction():
            raise_alert(connection, alert)
            connection.execute(
                "INSERT INTO goals_reached (tenant_id, channel_id, goal, period_start, target)"
                " VALUES (%s, %s, %s, %s, %s)",
                key,
            )


def goal_selection(connection: Connection, tenant: str, channel: str) -> Selection:
    """The streams of a tenant's channel; of the channel ``all`` every stream of the tenant."""
    if channel == ALL:
        return Selection((tenant_scope(tenant),))
    rows = connection.execute(
        "SELECT id FROM streams WHERE tenant_id = %s AND channel_id = %s ORDER BY id", (tenant, channel)
    ).fetchall()
    return Selection(tuple(stream for (stream,) in rows))
