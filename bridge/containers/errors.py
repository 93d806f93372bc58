"""What can go wrong with launched media servers."""

from __future__ import annotations


class ContainerError(Exception):
    """A media server could not be launched, read or stopped."""


class DriverUnavailableError(ContainerError):
    """What runs the media servers (Docker Engine, the nginx program) does not answer."""


class AlreadyLaunchedError(ContainerError):
    """The event has a media server already."""


class UnknownContainerError(ContainerError):
    """No container of this installation has this id."""
