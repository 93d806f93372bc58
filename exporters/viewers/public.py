"""The public HTTP port: CMCD, beacons and app events from players anywhere, and the beacon module they load."""

from __future__ import annotations

import hmac
import logging
import zlib
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

from exporters.errors import SourceFormatError
from exporters.viewers import cmcd
from exporters.viewers.addresses import TrustedProxies
from exporters.viewers.intake import Client, Intake, Outcome

log = logging.getLogger(__name__)
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
PHRASES = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    410: "Gone",
    411: "Length Required",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
}
COUNTRY_HEADERS = ("HTTP_CF_IPCOUNTRY", "HTTP_CLOUDFRONT_VIEWER_COUNTRY", "HTTP_X_GEO_COUNTRY", "HTTP_X_COUNTRY_CODE")
CORS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Content-Type, Content-Encoding, Authorization, CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status",
    ),
    ("Access-Control-Max-Age", "86400"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
]


class BodyError(Exception):
    """A request body cannot be taken: 411, 413, 415 or 400."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class PublicApp:
    """A WSGI application; every answer may be read by pages of any origin, and none needs a cookie."""

    def __init__(
        self,
        intake: Intake,
        proxies: TrustedProxies,
        on_rejected: Callable[[str], None],
        events_token: str = "",
        max_body_bytes: int = 65536,
    ) -> None:
        self._intake = intake
        self._proxies = proxies
        self._on_rejected = on_rejected
        self._events_token = events_token
        self._max_body_bytes = max_body_bytes
        self._player = files(__package__).joinpath("player.js").read_bytes()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "").rstrip("/")
        try:
            outcome = self._answer(method, path, environ)
        except BodyError as error:
            self._on_rejected("size" if error.status == 413 else "parse")
            outcome = Outcome(error.status, 0, str(error))
        if isinstance(outcome, bytes):
            headers = [("Content-Type", "text/javascript; charset=utf-8"), ("Cache-Control", "public, max-age=300")]
            return _send(start_response, 200, outcome, headers)
        extra = [("Retry-After", "5")] if outcome.status == 429 else []
        return _send(start_response, outcome.status, (outcome.problem + "\n").encode(), extra)

    def _answer(self, method: str, path: str, environ: dict[str, Any]) -> Outcome | bytes:
        if path not in ("/v1/cmcd", "/v1/beacon", "/v1/events", "/v1/player.js"):
            return Outcome(
                404, 0, "not found; this server takes /v1/cmcd, /v1/beacon, /v1/events and has /v1/player.js"
            )
        if method == "OPTIONS":
            return Outcome(204, 0)
        if path == "/v1/player.js" and method == "GET":
            return self._player
        client = self._client(environ)
        query = environ.get("QUERY_STRING", "")
        if path == "/v1/cmcd" and method == "GET":
            return self._cmcd_request(query, environ, client)
        if method != "POST" or path == "/v1/player.js":
            return Outcome(405, 0, "method not allowed")
        body = self._body(environ)
        if path == "/v1/cmcd":
            take = self._intake.cmcd_json if _is_json(environ, body) else self._intake.cmcd_lines
            return take(body, client, _argument(query, "stream"))
        if path == "/v1/beacon":
            return self._intake.beacons(body, client)
        return self._intake.app_events(body, client)

    def _cmcd_request(self, query: str, environ: dict[str, Any], client: Client) -> Outcome:
        stream, transport = _argument(query, "stream"), "query"
        try:
            text = _argument(query, "CMCD")
            pairs = cmcd.parse(text) if text else {}
            if not pairs:
                transport = "header"
                names = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), "") for name in cmcd.HEADERS}
                pairs = cmcd.parse_headers(names)
            if not pairs:
                raise SourceFormatError("the CMCD argument or CMCD headers are needed")
        except SourceFormatError as error:
            self._on_rejected(error.reason)
            return Outcome(400, 0, str(error))
        return self._intake.cmcd_request(pairs, transport, client, stream)

    def _client(self, environ: dict[str, Any]) -> Client:
        peer = environ.get("REMOTE_ADDR", "")
        behind_proxy = self._proxies.trusts(peer)
        address = self._proxies.client(peer, environ.get("HTTP_X_FORWARDED_FOR", "")) if behind_proxy else peer
        told = next((environ[name] for name in COUNTRY_HEADERS if environ.get(name)), "") if behind_proxy else ""
        given = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
        trusted = bool(self._events_token) and hmac.compare_digest(given.encode(), self._events_token.encode())
        return Client(address, environ.get("HTTP_USER_AGENT", ""), told, trusted)

    def _body(self, environ: dict[str, Any]) -> bytes:
        """The request's body, unpacked; raises BodyError."""
        length = environ.get("CONTENT_LENGTH") or ""
        if not (length.isascii() and length.isdigit()):
            raise BodyError(411, "Content-Length is needed")
        if int(length) > self._max_body_bytes:
            raise BodyError(413, f"body over {self._max_body_bytes} bytes")
        try:
            body: bytes = environ["wsgi.input"].read(int(length))
        except OSError as error:
            raise BodyError(400, "body is cut short") from error
        coding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
        if coding in ("", "identity"):
            return body
        if coding != "gzip":
            raise BodyError(415, "Content-Encoding must be gzip or none")
        return inflate(body, self._max_body_bytes)


def inflate(body: bytes, longest: int) -> bytes:
    """Unpack gzip up to ``longest`` bytes; raises BodyError for more (a bomb) and for what is no gzip."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(body, longest + 1)
    except zlib.error as error:
        raise BodyError(400, f"not gzip: {error}") from error
    if len(plain) > longest:
        raise BodyError(413, f"unpacked body over {longest} bytes")
    if not unpacker.eof:
        raise BodyError(400, "gzip body is cut short")
    return plain


def _is_json(environ: dict[str, Any], body: bytes) -> bool:
    return environ.get("CONTENT_TYPE", "").startswith("application/json") or body[:1] in (b"{", b"[")


def _argument(query: str, name: str) -> str:
    """A query argument, percent-decoded; ``+`` stays, since CMCD does not use form encoding."""
    for part in query.split("&"):
        key, _, value = part.partition("=")
        if key == name:
            return unquote(value)
    return ""


def _send(start_response: StartResponse, status: int, body: bytes, headers: list[tuple[str, str]]) -> Iterable[bytes]:
    if status == 204:
        start_response("204 No Content", [*CORS, *headers])
        return []
    if not any(name == "Content-Type" for name, _ in headers):
        headers = [("Content-Type", "text/plain; charset=utf-8"), *headers]
    start_response(f"{status} {PHRASES[status]}", [*CORS, *headers, ("Content-Length", str(len(body)))])
    return [body]
