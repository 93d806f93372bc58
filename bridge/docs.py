"""The OpenAPI document and a readable page of it."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template

from bridge import openapi
from bridge.answers import answer_encoded
from bridge.auth import open_route
from exporters.server import build_version

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


class Document:
    """The app's document, made at the first request: by then every route is registered."""

    def __init__(self) -> None:
        self._made: tuple[dict[str, Any], bytes] | None = None

    def get(self) -> tuple[dict[str, Any], bytes]:
        """The document, and its JSON text."""
        if self._made is None:
            made = openapi.document(current_app, build_version()[0])
            self._made = (made, orjson.dumps(made, option=orjson.OPT_INDENT_2))
        return self._made


def routes() -> Blueprint:
    """The views, mounted at the root."""
    area = Blueprint("docs", __name__, template_folder="templates")
    document = Document()

    @area.get("/api/openapi.json")
    @open_route
    def openapi_json() -> Response:
        return answer_encoded(document.get()[1])

    @area.get("/api/docs")
    @open_route
    def page() -> Response:
        text = render_template("api.html", document=document.get()[0])
        return Response(text, headers={"Content-Security-Policy": PAGE_POLICY}, content_type="text/html; charset=utf-8")

    return area
