"""What runs media servers, as one interface."""

from __future__ import annotations

from typing import Protocol

from bridge.containers.model import Container, LaunchSpec, LogLine, Usage

OWNER_LABEL = "live.bigfoot.owner"


class Driver(Protocol):
    """Launches media servers, and sees and touches only those that this installation owns.

    Every method raises DriverUnavailableError when the engine does not answer.
    """

    name: str

    def launch(self, spec: LaunchSpec) -> Container:
        """Start a media server; raises AlreadyLaunchedError when the event has one, ContainerError when it fails."""

    def list(self) -> tuple[Container, ...]:
        """All containers of this installation, in any state."""

    def usage(self, container: Container) -> Usage:
        """What it uses now; raises UnknownContainerError when it is gone."""

    def logs(self, container: Container, lines: int) -> tuple[LogLine, ...]:
        """Its last log lines, oldest first; raises UnknownContainerError when it is gone."""

    def stop(self, container: Container, grace_seconds: float) -> None:
        """End it, by force after ``grace_seconds``, and remove what is left of it; gone already is fine."""
