"""Errors as the API answers them: RFC 9457 problem details, raised as an exception."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

PROBLEM_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends a request with this status; ``detail`` is a sentence for the caller, ``extra`` further members."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        kind: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.kind = kind
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def body(self, instance: str, request_id: str) -> dict[str, Any]:
        """The problem document of RFC 9457 §3."""
        return {
            "type": self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "requestId": request_id,
            **self.extra,
        }


def bad_parameter(name: str, detail: str) -> Problem:
    """400 that names the query parameter."""
    return Problem(400, f"{name}: {detail}", extra={"parameter": name})


def unauthorized(reason: str, detail: str) -> Problem:
    """401 that says why the token was refused; ``reason`` is a short enumerable word."""
    challenge = f'Bearer error="invalid_token", error_description="{detail}"' if reason != "missing" else "Bearer"
    return Problem(401, detail, headers={"WWW-Authenticate": challenge}, extra={"reason": reason})


def forbidden(detail: str) -> Problem:
    return Problem(403, detail)


def not_found(what: str, name: str) -> Problem:
    """404 for an unknown stream, channel, container or path."""
    return Problem(404, f"no {what} {name!r}")


def conflict(detail: str) -> Problem:
    """409 for a wrong state."""
    return Problem(409, detail)


def too_large(limit_bytes: int) -> Problem:
    return Problem(413, f"the body is over {limit_bytes} bytes")


def wrong_media_type(expected: str) -> Problem:
    return Problem(415, f"the body must be {expected}")


def invalid(fields: Sequence[tuple[str, str]]) -> Problem:
    """422 that lists every bad field as (name, what is wrong)."""
    errors = [{"field": name, "detail": detail} for name, detail in fields]
    names = ", ".join(name for name, _ in fields)
    return Problem(422, f"not valid: {names}", extra={"errors": errors})


def too_many(retry_after_seconds: int, detail: str = "too many requests") -> Problem:
    return Problem(429, detail, headers={"Retry-After": str(max(1, retry_after_seconds))})


def unavailable(detail: str, retry_after_seconds: int = 5) -> Problem:
    """503 while Prometheus or the database is away and nothing fresh enough is held."""
    return Problem(503, detail, headers={"Retry-After": str(retry_after_seconds)})


def unexpected() -> Problem:
    """500 for a fault of ours, which the log describes."""
    return Problem(500, "an unexpected error; the request id is in the log")
