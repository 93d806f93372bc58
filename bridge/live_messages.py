"""What the rooms send: messages made from the newest snapshot, the same numbers as REST gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from bridge import contract, numbers
from bridge.identity import Identity
from bridge.room import Messages
from bridge.services import Services
from bridge.snapshot import HOPS, Snapshot, StreamState
from prometheus import queries


class LiveMessages:
    """Makes the messages of each kind of room; an empty list while there is no snapshot yet."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def analytics(self, identity: Identity) -> Messages:
        """The platform's numbers, as far as this caller's tenant sees them."""
        access = self._services.access
        sees: Callable[[str], bool] | None = (
            None if identity.is_admin else lambda stream: access.may_see(identity, stream)
        )

        def messages(sequence: int) -> Iterable[Mapping[str, Any]]:
            snapshot = self._services.snapshots.present
            if snapshot is None:
                return ()
            message: contract.AnalyticsMessage = {
                "type": "analytics",
                "ts": contract.instant(self._services.clock()),
                "seq": sequence,
                "data": numbers.platform_numbers(snapshot, sees),
                "meta": self._services.snapshots.meta(snapshot),
            }
            return (message,)

        return messages

    def metrics(self, stream_id: str) -> Messages:
        """One stream's numbers, in an envelope."""

        def messages(sequence: int) -> Iterable[Mapping[str, Any]]:
            snapshot = self._services.snapshots.present
            if snapshot is None:
                return ()
            state = self._state(snapshot, stream_id)
            message: contract.MetricsMessage = {
                "type": "metrics",
                "streamId": stream_id,
                "ts": contract.instant(self._services.clock()),
                "seq": sequence,
                "data": numbers.stream_numbers(state),
                "meta": self._services.snapshots.meta(snapshot, state.missing),
            }
            return (message,)

        return messages

    def real_time(self, stream_id: str) -> Messages:
        """One stream's RealTimeAnalytics, bare, as the shipped client reads it."""

        def messages(sequence: int) -> Iterable[Mapping[str, Any]]:
            snapshot = self._services.snapshots.present
            if snapshot is None:
                return ()
            state = self._state(snapshot, stream_id)
            course = self._services.timeline.course(stream_id, snapshot.taken)
            message = numbers.real_time(state, course, snapshot.taken)
            message["meta"] = self._services.snapshots.meta(snapshot, state.missing)
            return (message,)

        return messages

    def container(self, container_id: str) -> Messages:
        """A container's status, viewers and health."""

        def messages(sequence: int) -> Iterable[Mapping[str, Any]]:
            found: Iterable[Mapping[str, Any]] = self._services.containers.messages(container_id)
            return found

        return messages

    def viewers(self, stream_id: str) -> Callable[[], object]:
        """One stream's viewers, as they are when it is called."""

        def viewers() -> object:
            snapshot = self._services.snapshots.present
            return None if snapshot is None else self._state(snapshot, stream_id).value(queries.VIEWERS)

        return viewers

    def _state(self, snapshot: Snapshot, stream_id: str) -> StreamState:
        """The stream; one that has left the snapshot says nothing at any hop."""
        return snapshot.streams.get(stream_id) or StreamState(stream_id, missing=tuple(HOPS))
