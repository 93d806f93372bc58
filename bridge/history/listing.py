"""A stream's sessions, newest first: any page is found without walking through those before it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge import contract
from bridge.contract import finite, instant
from bridge.database import Connection
from bridge.history.shapes import DEVICE_NAMES
from bridge.history.window import QUARTER

_PAGE = """SELECT session_id, user_id, host(address), user_agent, joined, left_at, watch_seconds, country, region, city,
device, browser, os, variant, rebuffers, chat_messages
FROM sessions JOIN clients ON clients.id = client JOIN places ON places.id = place
WHERE stream = %(stream)s AND joined < %(before)s
ORDER BY joined DESC, session_id DESC OFFSET %(skip)s LIMIT %(limit)s"""


def page(connection: Connection, stream: str, offset: int, limit: int) -> tuple[list[contract.ViewerSession], int]:
    """One page, and how many sessions there are in all."""
    total, before, skip = _seek(connection, stream, offset)
    if before is None:
        return [], total
    parameters = {"stream": stream, "before": before, "skip": skip, "limit": limit}
    rows = connection.execute(_PAGE.encode(), parameters).fetchall()
    return [_session(stream, row) for row in rows], total


def _seek(connection: Connection, stream: str, offset: int) -> tuple[int, datetime | None, int]:
    """The number of sessions, and from where the one at ``offset`` is found: the end of its quarter and the rest.

    Roll-ups may outlive single sessions, so only quarters that still have them are counted.
    """
    rows = connection.execute(
        "SELECT at, sessions - forgotten FROM session_quarters WHERE scope = %(stream)s"
        " AND at >= (SELECT date_bin('15 minutes', min(joined), TIMESTAMPTZ '2000-01-01')"
        " FROM sessions WHERE stream = %(stream)s)"
        " ORDER BY at DESC",
        {"stream": stream},
    ).fetchall()
    total, found, left = 0, None, 0
    for at, sessions in rows:
        if found is None and total + sessions > offset:
            found, left = at + QUARTER, offset - total
        total += sessions
    return total, found, left


def _session(stream: str, row: tuple[Any, ...]) -> contract.ViewerSession:
    session_id, user, address, agent, joined, left, watched, country, region, city, device, browser, os, *rest = row
    variant, rebuffers, chat = rest
    made: contract.ViewerSession = {
        "sessionId": session_id,
        "streamId": stream,
        "ipAddress": address or "",
        "userAgent": agent,
        "joinTime": instant(joined.timestamp()),
        "leaveTime": instant(left.timestamp()),
        "watchTime": finite(watched),
        "country": country,
        "region": region,
        "city": city,
        "device": DEVICE_NAMES.get(device, device),
        "browser": browser,
        "os": os,
        "quality": variant,
        "bufferingEvents": rebuffers,
        "chatMessages": chat,
    }
    if user:
        made["userId"] = user
    return made
