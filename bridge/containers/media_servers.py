"""The launched media servers as the bridge's other parts see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bridge import problems
from bridge.containers.errors import AlreadyLaunchedError, ContainerError, UnknownContainerError
from bridge.containers.launcher import Launcher, LimitReachedError
from bridge.containers.model import Container
from bridge.containers.readings import Reading
from bridge.containers.shapes import container_messages
from bridge.identity import Identity
from bridge.problems import Problem
from bridge.snapshot import SnapshotStore, StreamState

Done = TypeVar("Done")


@dataclass(frozen=True)
class MediaServers:
    """The launcher, and what its answers say of this installation."""

    launcher: Launcher
    snapshots: SnapshotStore
    public_host: str = "127.0.0.1"
    scrape_host: str = "127.0.0.1"
    records: bool = False

    def check(self, identity: Identity, container_id: str) -> Container:
        """The container, which the caller must be allowed to see; raises a 401, 403, 404 or 503 Problem."""
        if identity.anonymous:
            raise problems.unauthorized("missing", "this needs a token")
        container = as_problems(lambda: self.launcher.reading(container_id)).container
        if not identity.is_admin and identity.tenant_id != container.tenant_id:
            raise problems.forbidden("this container belongs to another tenant")
        return container

    def messages(self, container_id: str) -> Sequence[dict[str, Any]]:
        """What a container's room is sent each broadcast, from the last readings: nothing here waits."""
        reading = self.launcher.readings.get(container_id)
        if reading is None:
            ended = self.launcher.ended(container_id)
            if ended is None:
                return ()
            reading = Reading(ended.container)
        snapshot = self.snapshots.present
        stream = reading.container.event_id
        state = snapshot.streams.get(stream) if snapshot is not None else None
        return container_messages(reading, self.launcher, state or StreamState(stream))


def as_problems(act: Callable[[], Done]) -> Done:
    """Do it; what the launcher raises is raised as the API answers it."""
    try:
        return act()
    except AlreadyLaunchedError as error:
        raise problems.conflict(str(error)) from error
    except UnknownContainerError as error:
        raise Problem(404, str(error)) from error
    except LimitReachedError as error:
        raise problems.unavailable(str(error), 60) from error
    except ContainerError as error:
        raise problems.unavailable(str(error), 10) from error
