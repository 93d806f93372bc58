"""The OpenAPI 3.1 document: read off the app's routes, whose views say with ``describe`` what they take and give."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Flask

from bridge import contract
from bridge.json_schema import Schema, Schemas
from bridge.problems import PROBLEM_TYPE

View = TypeVar("View", bound=Callable[..., Any])
MOUNTS = ("/api/v1", "/api", "")
"""Every area is reached below each of these; the document lists the first."""
REPEATS = ("@api", "@root")
"""What the blueprint names of the second and third mount end in."""
ALWAYS = (400, 401, 403, 429, 503)
TEXTS: Mapping[int, str] = {
    400: "A parameter is bad; the answer names it.",
    401: "No token, or one that is refused; the answer says why.",
    403: "Another tenant's, or a role is needed.",
    404: "Unknown.",
    409: "Not in this state.",
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "Not valid; every bad field is listed.",
    429: "Too many requests; Retry-After says when.",
    503: "Prometheus or the database is away and nothing fresh enough is held.",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its type as the contract would write it, and what it does."""

    name: str
    kind: Any = str
    description: str = ""
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """What one view takes and gives."""

    summary: str
    answer: Any = None
    status: int = 200
    tag: str = "analytics"
    query: tuple[Parameter, ...] = ()
    body: Any = None
    body_required: bool = True
    errors: tuple[int, ...] = ()
    media: tuple[str, ...] = ("application/json",)
    description: str = ""


def describe(summary: str, answer: Any = None, **rest: Any) -> Callable[[View], View]:
    """Say what a view takes and gives; put it directly on the function."""

    def mark(view: View) -> View:
        view.operation = Operation(summary, answer, **rest)  # type: ignore[attr-defined]
        return view

    return mark


def document(app: Flask, version: str) -> Schema:
    """The whole document of an app's described routes."""
    schemas = Schemas()
    schemas.of(contract.ProblemDetails)
    for message in (contract.AnalyticsMessage, contract.MetricsMessage, contract.ContainerMessage):
        schemas.of(message)
    schemas.of(contract.ClientMessage)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, name in sorted(described(app), key=lambda row: (row[0], row[1])):
        paths.setdefault(path, {})[method] = _operation(operation, path, name, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "BigFoot Live Analytics",
            "version": version,
            "description": "Live and historical analytics of streams. Every path below /api/v1 is also reached "
            "below /api and without a prefix. WebSockets are described in docs/api.md.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def described(app: Flask) -> Iterable[tuple[str, str, Operation, str]]:
    """(path, method, operation, operation id) of every described route, once for the three mounts."""
    seen = set()
    for rule in app.url_map.iter_rules():
        operation: Operation | None = getattr(app.view_functions[rule.endpoint], "operation", None)
        if operation is None:
            continue
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        if rule.endpoint.split(".")[0].endswith(REPEATS):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            key = (path, method)
            if key not in seen:
                seen.add(key)
                yield path, method.lower(), operation, f"{method.lower()}_{rule.endpoint.replace('.', '_')}"


def _operation(operation: Operation, path: str, name: str, schemas: Schemas) -> Schema:
    parameters: list[Schema] = [
        {"name": one, "in": "path", "required": True, "schema": {"type": "string"}}
        for one in re.findall(r"{(\w+)}", path)
    ]
    parameters += [
        {
            "name": one.name,
            "in": "query",
            "required": one.required,
            "schema": {**schemas.of(one.kind), **one.schema},
            **({"description": one.description} if one.description else {}),
        }
        for one in operation.query
    ]
    found: Schema = {
        "operationId": name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, "{" in path, schemas),
    }
    if operation.description:
        found["description"] = operation.description
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        content = {"application/json": {"schema": schemas.of(operation.body)}}
        found["requestBody"] = {"required": operation.body_required, "content": content}
    return found


def _responses(operation: Operation, has_path: bool, schemas: Schemas) -> Schema:
    good: Schema = {"description": "Done." if operation.answer is None else "The answer."}
    if operation.answer is not None:
        schema = schemas.of(operation.answer)
        good["content"] = {media: {"schema": schema} for media in operation.media}
    errors = {*ALWAYS, *operation.errors}
    if has_path:
        errors.add(404)
    if operation.body is not None:
        errors.update((413, 415, 422))
    problem = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        str(operation.status): good,
        **{str(code): {"description": TEXTS[code], "content": problem} for code in sorted(errors)},
    }
