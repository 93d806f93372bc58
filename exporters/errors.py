"""What can go wrong when a source is read, as exceptions that collectors raise and the guard counts."""

from __future__ import annotations


class SourceError(Exception):
    """A source could not be read; ``reason`` is a short enumerable word for the error label."""

    def __init__(self, message: str, reason: str = "other") -> None:
        super().__init__(message)
        self.reason = reason


class SourceUnreachableError(SourceError):
    """A source did not answer: reasons dns, connect, tls, timeout, http_4xx, http_5xx, auth."""


class SourceFormatError(SourceError):
    """A source answered something that is not in its documented format."""

    def __init__(self, message: str, reason: str = "parse") -> None:
        super().__init__(message, reason)


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the variable and what to put there."""
