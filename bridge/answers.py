"""JSON answers: encoded once, finite numbers only, with what is true about the data appended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, g, request

from bridge.problems import PROBLEM_TYPE, Problem, too_large, wrong_media_type

JSON_TYPE = "application/json"
MAX_BODY_BYTES = 64 << 10


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; orjson writes NaN and infinities as null, so they never reach the wire."""
    return Response(orjson.dumps(body), status, headers, content_type=JSON_TYPE)


def answer_encoded(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is JSON text already."""
    return Response(body, status, headers, content_type=JSON_TYPE)


def answer_problem(problem: Problem) -> Response:
    """A problem document for the present request, with the id under which the log knows it."""
    return problem_document(problem, request.path, getattr(g, "request_id", ""))


def problem_document(problem: Problem, path: str, request_id: str) -> Response:
    """A problem document about a request of this path."""
    body = problem.body(path, request_id)
    return Response(orjson.dumps(body), problem.status, problem.headers, content_type=PROBLEM_TYPE)


def with_member(encoded: bytes, name: str, value: Any) -> bytes:
    """An encoded JSON object with one more member, so that a cached body can carry a fresh one."""
    separator = b"" if encoded == b"{}" else b","
    return encoded[:-1] + separator + b'"' + name.encode() + b'":' + orjson.dumps(value) + b"}"


def json_body(most_bytes: int = MAX_BODY_BYTES) -> Any:
    """The request's JSON; raises a 415, 413 or 400 Problem. An absent body is an empty object."""
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return {}
    if not request.is_json:
        raise wrong_media_type(JSON_TYPE)
    # A body whose length nobody told is cut at the maximum without a word: one byte more shows that it is longer.
    request.max_content_length = most_bytes + 1
    body = request.get_data()
    if len(body) > most_bytes:
        raise too_large(most_bytes)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
