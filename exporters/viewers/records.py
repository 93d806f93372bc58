"""Rows for history: ended sessions, app events, sketches and broadcast totals, as the spool documents them."""

from __future__ import annotations

from typing import Any

import orjson

from exporters.viewers.broadcast import TOTALS, Broadcast
from exporters.viewers.endings import Ending
from exporters.viewers.engagement import EVENTS, OTHER_EVENT
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.inputs import AppEvent
from exporters.viewers.session import Session


class Records:
    """Builds spool records of one shard."""

    def __init__(self, pseudonyms: Pseudonyms, shard: str) -> None:
        self._pseudonyms = pseudonyms
        self._shard = shard

    def session(self, session: Session, ending: Ending) -> dict[str, Any]:
        """The row of an ended session."""
        seconds = session.seconds_by_variant()
        viewer, device = session.viewer, session.device
        engagements = session.engagements or {}
        return {
            "kind": "session",
            "session_id": self._pseudonyms.session(session.session_id),
            "stream": session.stream,
            "user_id": session.user or None,
            "address": viewer.address,
            "user_agent": viewer.user_agent,
            "device": device.device,
            "os": device.os,
            "browser": device.browser,
            "country": viewer.country,
            "region": viewer.region,
            "city": viewer.city,
            "joined": session.joined,
            "left": session.newest,
            "watch_seconds": session.watch_seconds,
            "startup_seconds": session.startup_seconds if session.startup_seconds >= 0 else None,
            "rebuffer_seconds": session.rebuffer_seconds,
            "rebuffers": session.rebuffers,
            "variant": max(seconds, key=lambda name: seconds[name]) if seconds else session.settled_variant,
            "rendition_seconds": seconds,
            "switches": session.switches,
            "errors": session.errors,
            "average_bytes_per_second": _ratio(session.rate_seconds, session.rated_seconds),
            "live_latency_seconds": _ratio(session.latency_sum, session.latency_count),
            "end_reason": ending.reason,
            "engagements": engagements,
            "chat_messages": engagements.get("chat_message", 0),
            "played": session.new_play,
            "viewed": session.new_view,
        }

    def event(self, event: AppEvent) -> dict[str, Any]:
        """The row of an app event."""
        return {
            "kind": "event",
            "event_id": event.event_id,
            "stream": event.stream,
            "event": event.event if event.event in EVENTS else OTHER_EVENT,
            "time": event.time,
            "user_id": event.user or None,
            "session_id": self._pseudonyms.session(event.session) if event.session else None,
            "amount": event.amount or None,
            "currency": event.currency or None,
            "data": orjson.loads(event.data) if event.data else {},
        }

    def broadcast(self, broadcast: Broadcast, ended: float) -> dict[str, Any]:
        """The final totals of a broadcast."""
        return {
            "kind": "broadcast",
            "stream": broadcast.stream,
            "started": broadcast.started,
            "ended": ended,
            "shard": self._shard,
            "peak_concurrent": broadcast.peak,
            "peak_time": broadcast.peak_at,
            **{name: getattr(broadcast, name) for name in TOTALS},
            "engagements": broadcast.engagements,
            "unique_estimate": broadcast.viewers.whole.estimate(),
            "chat_participants_estimate": broadcast.chatters.estimate(),
        }

    def sketches(self, broadcast: Broadcast, now: float) -> list[dict[str, Any]]:
        """The sketches of a broadcast that are not empty."""
        found = {
            "stream": broadcast.viewers.whole,
            "chat": broadcast.chatters,
            "day": broadcast.viewers.today(now),
        }
        return [
            {
                "kind": "sketch",
                "stream": broadcast.stream,
                "started": broadcast.started,
                "shard": self._shard,
                "window": window,
                "time": now,
                "sketch": sketch.text(),
                "estimate": sketch.estimate(),
            }
            for window, sketch in found.items()
            if not sketch.is_empty()
        ]


def _ratio(amount: float, count: float) -> float | None:
    return amount / count if count else None
