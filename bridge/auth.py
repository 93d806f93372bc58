"""Authentication of requests: where a token is looked for, when one is needed, and who the caller then is."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import g, request
from werkzeug.datastructures import Headers

from bridge.config import Config
from bridge.identity import ANONYMOUS, EVERYONE, Identity
from bridge.problems import Problem, forbidden, unauthorized, unavailable
from bridge.tokens import KeysUnavailableError, TokenError, TokenVerifier

View = TypeVar("View", bound=Callable[..., Any])
SUBPROTOCOL = "bearer"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def open_route(view: View) -> View:
    """Mark a view that needs no token (health, documentation, or a secret of its own)."""
    view.open_route = True  # type: ignore[attr-defined]
    return view


def current_identity() -> Identity:
    """Who makes the present request."""
    identity: Identity = g.identity
    return identity


def require_role(role: str) -> Identity:
    """The caller, who must have this role; raises a 403 Problem."""
    identity = current_identity()
    if identity.anonymous:
        raise unauthorized("missing", "this needs a token")
    if not identity.has_role(role):
        raise forbidden(f"this needs the role {role}")
    return identity


def token_of(headers: Headers, query: Mapping[str, str], websocket: bool) -> str | None:
    """The token a request carries: Authorization; on WebSockets also ``?token=`` or the subprotocol pair."""
    authorization = headers.get("Authorization", "")
    if authorization:
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() != "bearer" or not rest.strip():
            raise TokenError("malformed", "Authorization must be Bearer and a token")
        return rest.strip()
    if websocket:
        offered = [part.strip() for part in headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if len(offered) >= 2 and offered[0] == SUBPROTOCOL:
            return offered[1]
        return query.get("token")
    return None


class Authenticator:
    """Decides who a request comes from, by the mode ``BRIDGE_AUTH``."""

    def __init__(
        self,
        config: Config,
        verifier: TokenVerifier | None,
        on_failure: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._mode = config.auth
        self._internal_token = config.internal_token
        self._verifier = verifier
        self._on_failure = on_failure

    def identify(
        self, headers: Headers, query: Mapping[str, str], method: str = "GET", websocket: bool = False
    ) -> Identity:
        """The caller; raises TokenError for a bad or missing token, KeysUnavailableError without keys."""
        if self._mode == "off":
            return EVERYONE
        try:
            token = token_of(headers, query, websocket)
            if token is not None:
                return self._verified(token)
            if self._mode == "anonymous-read" and method in READING:
                return ANONYMOUS
            raise TokenError("missing", "this needs a token")
        except TokenError as error:
            self._on_failure(error.reason)
            raise

    def _verified(self, token: str) -> Identity:
        if self._verifier is None:
            raise TokenError("unknown_key", "this server verifies no tokens")
        return self._verifier.verify(token)

    def caller(self, headers: Headers, query: Mapping[str, str], method: str) -> Identity:
        """The caller of an HTTP request; raises a 401 or 503 Problem."""
        try:
            return self.identify(headers, query, method=method)
        except TokenError as error:
            raise unauthorized(error.reason, str(error)) from error
        except KeysUnavailableError as error:
            raise unavailable(str(error), 10) from error

    def passer_by(self) -> Identity:
        """The caller of a route that needs no token."""
        return EVERYONE if self._mode == "off" else ANONYMOUS

    def check_internal(self) -> None:
        """Let only our own processes pass: by the shared secret, or from loopback while none is set."""
        given = request.headers.get("X-Internal-Token", "")
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if not given and scheme.lower() == "bearer":
            given = rest.strip()
        if self._internal_token:
            if not hmac.compare_digest(given.encode(), self._internal_token.encode()):
                self._on_failure("internal")
                raise Problem(401, "this needs the internal token", headers={"WWW-Authenticate": "Bearer"})
        elif not _is_loopback(request.remote_addr):
            self._on_failure("internal")
            raise forbidden("set BRIDGE_INTERNAL_TOKEN to call this from another machine")


def _is_loopback(address: str | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
