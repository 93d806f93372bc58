"""App events: chat, likes, gifts and the rest, joined with sessions and counted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

from exporters.recent import RecentKeys
from exporters.viewers.broadcast import Broadcast
from exporters.viewers.engine import SessionEngine
from exporters.viewers.inputs import AppEvent
from exporters.viewers.reports import report_key

EVENTS: Final = (
    "chat_message",
    "like",
    "reaction",
    "share",
    "follow",
    "donation",
    "super_chat",
    "subscription",
    "tip",
    "clip",
)
OTHER_EVENT: Final = "other"
MONEY_EVENTS: Final = frozenset({"donation", "super_chat", "subscription", "tip"})
DAY_SECONDS: Final = 86400
MAX_ENGAGED_USERS = 100_000


class Engagements:
    """Counts app events; one that came before, by stream, kind and id, changes nothing."""

    def __init__(
        self,
        engine: SessionEngine,
        on_event: Callable[[AppEvent], None],
        currency: str = "USD",
        rates: Mapping[str, float] | None = None,
    ) -> None:
        self._engine = engine
        self._on_event = on_event
        self._rates = {currency: 1.0, "": 1.0, **(rates or {})}
        self._seen = RecentKeys()

    def apply(self, event: AppEvent) -> str:
        """Take one event; gives ``ok``, ``duplicate``, or ``surplus`` when it is kept by history only."""
        if self._seen.is_repeat(_key(event)):
            return "duplicate"
        if not self._engine.has_room(event.stream):
            self._engine.tables.rejected.add(1, "surplus")
            self._on_event(event)
            return "surplus"
        broadcast = self._engine.broadcast_of(event.stream, event.received)
        kind = event.event if event.event in EVENTS else OTHER_EVENT
        broadcast.engagements[kind] = broadcast.engagements.get(kind, 0) + 1
        broadcast.cell("engagements", kind)[1] += 1
        if kind == "chat_message" and (event.user or event.session):
            broadcast.chatters.add(event.user or event.session)
        self._money(broadcast, event, kind)
        self._engaged(broadcast, event, kind)
        self._on_event(event)
        return "ok"

    def _money(self, broadcast: Broadcast, event: AppEvent, kind: str) -> None:
        rate = self._rates.get(event.currency)
        if kind not in MONEY_EVENTS or event.amount <= 0 or rate is None:
            return  # an amount in a currency without a rate is kept by history, in its own currency
        amount = event.amount * rate
        broadcast.revenue += amount
        broadcast.cell("revenue", kind)[1] += amount
        day = int(event.time) // DAY_SECONDS
        if day > broadcast.revenue_day:
            broadcast.revenue_day, broadcast.revenue_today = day, 0.0
        if day == broadcast.revenue_day:
            broadcast.revenue_today += amount

    def _engaged(self, broadcast: Broadcast, event: AppEvent, kind: str) -> None:
        """A session with its first engagement; without a known session each user counts as one."""
        session = self._engine.sessions.get(report_key(event.stream, event.session)) if event.session else None
        if session is None and event.user:
            session = self._engine.sessions.of_user(event.stream, event.user)
        if session is not None:
            self._engine.changing(session)
            if session.engagements is None:
                session.engagements = {}
                broadcast.cell("engaged")[1] += 1
            session.engagements[kind] = session.engagements.get(kind, 0) + 1
            return
        name = event.user or event.session
        if name and name not in broadcast.engaged and len(broadcast.engaged) < MAX_ENGAGED_USERS:
            broadcast.engaged.add(name)
            broadcast.cell("engaged")[1] += 1

    def state(self) -> list[Any]:
        """Plain values, for a checkpoint."""
        return self._seen.state()

    def restore(self, rows: list[Any]) -> None:
        """Take a checkpoint back."""
        # Checkpoints of early versions have ids instead, which do not tell the stream.
        self._seen.restore(row for row in rows if isinstance(row, int))


def _key(event: AppEvent) -> int:
    """A number for an event that is the same in every process; ids are the sender's own within stream and kind."""
    name = f"{event.stream}\0{event.event}\0{event.event_id}"
    return int.from_bytes(blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), "big")
