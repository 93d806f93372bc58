"""JSON Web Tokens: what a token must be to be believed (RFC 7519, RFC 8725), and tokens for development."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.types import Options

from bridge.config import Config
from bridge.identity import ADMIN, Identity
from bridge.jwks import KeyServerError, KeySet
from exporters.errors import ConfigError

MAX_TOKEN_BYTES = 8192
MIN_SECRET_BYTES = 32
KEPT_TOKENS = 4096
SECRET_ALGORITHMS = ("HS256",)
KEY_SET_ALGORITHMS = ("RS256", "ES256")
LATEST_SECONDS = 1e12
"""Later times, infinity and what is no number at all are no instants."""
UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_sub": False,
}
PROMISE = "[object Promise]"
PROMISE_FAULT = "token is the text [object Promise]: the client sent a promise; await the token first"


class TokenError(Exception):
    """A token is refused; ``reason`` is a short enumerable word, the message a sentence for the caller."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class KeysUnavailableError(Exception):
    """No token can be judged now, because the issuer's keys could not be fetched."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A token whose signature and claims are good, and the key that proved it."""

    header: Mapping[str, Any]
    key: Any
    claims: Mapping[str, Any]
    identity: Identity


class TokenVerifier:
    """Verifies tokens against one kind of key, chosen by configuration and never by the token.

    The last proven tokens are kept, so that a token that comes again costs no arithmetic; the issuer's key and the
    times are looked at on each use, and another key means another proof.
    """

    def __init__(
        self,
        algorithms: Sequence[str],
        find_key: Callable[[Mapping[str, Any]], Any],
        issuer: str = "",
        audience: str = "",
        leeway_seconds: float = 30.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._algorithms = tuple(algorithms)
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience
        self._leeway_seconds = leeway_seconds
        self._now = now
        self._proven: dict[str, Proven] = {}

    def verify(self, token: str) -> Identity:
        """Who the token speaks for; raises TokenError, or KeysUnavailableError when keys are out of reach."""
        proven = self._proven.get(token)
        header = self._header(token) if proven is None else proven.header
        try:
            key = self._find_key(header)
        except KeyServerError as error:
            raise KeysUnavailableError(str(error)) from error
        if key is None:
            raise TokenError("unknown_key", "the token's key id is not one of the issuer's")
        if proven is not None and proven.key is key:
            self._check_times(proven.claims)
            return proven.identity
        claims = self._signed_claims(token, key)
        self._check_times(claims)
        self._check_origin(claims)
        identity = identity_of(claims)
        self._keep(token, Proven(header, key, claims, identity))
        return identity

    def _keep(self, token: str, proven: Proven) -> None:
        self._proven.pop(token, None)
        while len(self._proven) >= KEPT_TOKENS:
            del self._proven[next(iter(self._proven))]
        self._proven[token] = proven

    def _header(self, token: str) -> Mapping[str, Any]:
        if token.strip() == PROMISE:
            raise TokenError("promise", PROMISE_FAULT)
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenError("oversized", f"the token is over {MAX_TOKEN_BYTES} bytes")
        try:
            header: Mapping[str, Any] = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenError("malformed", "the token is not a JWT") from error
        if header.get("alg") not in self._algorithms:
            raise TokenError("algorithm", f"the token must be signed with {' or '.join(self._algorithms)}")
        return header

    def _signed_claims(self, token: str, key: Any) -> Mapping[str, Any]:
        # Times and audience are checked below, with the injected clock and by the platform's rules.
        try:
            claims: Mapping[str, Any] = jwt.decode(token, key, algorithms=list(self._algorithms), options=UNCHECKED)
        except jwt.InvalidSignatureError as error:
            raise TokenError("signature", "the token's signature is wrong") from error
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise TokenError("malformed", "the token cannot be read") from error
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._now()
        expires, begins = _instant(claims, "exp"), _instant(claims, "nbf")
        if expires is None:
            raise TokenError("expiry", "the token has no exp claim")
        if now >= expires + self._leeway_seconds:
            raise TokenError("expired", "token expired")
        if begins is not None and now < begins - self._leeway_seconds:
            raise TokenError("not_yet_valid", "the token is not valid yet")

    def _check_origin(self, claims: Mapping[str, Any]) -> None:
        if self._issuer and claims.get("iss") != self._issuer:
            raise TokenError("issuer", "wrong issuer")
        if self._audience:
            # Cognito's access tokens have client_id where others have aud.
            audience = claims.get("aud", claims.get("client_id"))
            given = audience if isinstance(audience, list) else [audience]
            if self._audience not in given:
                raise TokenError("audience", "wrong audience")


def identity_of(claims: Mapping[str, Any]) -> Identity:
    """The identity that verified claims describe; raises TokenError when they name no tenant."""
    roles = _words(claims, "role", "roles", "scope", "cognito:groups", "custom:role")
    tenant, subject = claims.get("tenant_id", claims.get("custom:tenant_id")), claims.get("sub", "")
    for name, value in (("tenant_id", tenant), ("sub", subject)):
        if isinstance(value, str) and not is_storable(value):
            raise TokenError("malformed", f"the claim {name} has characters that cannot be stored")
    if not isinstance(subject, str):
        raise TokenError("malformed", "the claim sub is no text")
    if not (isinstance(tenant, str) and 0 < len(tenant) <= 128):
        if ADMIN not in roles:
            raise TokenError("tenant", "the token has no tenant_id claim")
        tenant = None
    return Identity(subject[:128], tenant, roles, _instant(claims, "exp"))


def is_storable(text: str) -> bool:
    """Whether PostgreSQL's texts can hold it: UTF-8 without NUL."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST_SECONDS:
        raise TokenError("malformed", f"the claim {name} is no time")
    return float(value)


def _words(claims: Mapping[str, Any], *names: str) -> frozenset[str]:
    words: set[str] = set()
    for name in names:
        value = claims.get(name)
        if isinstance(value, str):
            words.update(value.split())
        elif isinstance(value, list):
            words.update(one for one in value if isinstance(one, str))
    return frozenset(words)


def verifier(config: Config, now: Callable[[], float] = time.time) -> TokenVerifier | None:
    """The verifier that the settings ask for; raises ConfigError when they cannot protect anything."""
    rest = (config.jwt_issuer, config.jwt_audience, config.jwt_leeway_seconds, now)
    if config.jwt_secret and config.jwks_url:
        raise ConfigError("BRIDGE_JWT_SECRET and BRIDGE_JWKS_URL are both set; tokens have one kind of key, set one")
    if config.jwks_url:
        keys = KeySet(config.jwks_url)
        return TokenVerifier(KEY_SET_ALGORITHMS, lambda header: keys.key(str(header.get("kid", ""))), *rest)
    if config.jwt_secret:
        if len(config.jwt_secret.encode()) < MIN_SECRET_BYTES:
            raise ConfigError(f"BRIDGE_JWT_SECRET is shorter than {MIN_SECRET_BYTES} bytes")
        secret = str(config.jwt_secret)
        return TokenVerifier(SECRET_ALGORITHMS, lambda header: secret, *rest)
    if config.auth != "off":
        raise ConfigError(f"BRIDGE_AUTH is {config.auth}; that needs BRIDGE_JWT_SECRET or BRIDGE_JWKS_URL")
    return None


def mint(config: Config, subject: str, tenant: str, roles: Sequence[str], lifetime_seconds: float, now: float) -> str:
    """A development token signed with the shared secret; raises ConfigError where there is none."""
    if len(config.jwt_secret.encode()) < MIN_SECRET_BYTES:
        raise ConfigError(f"BRIDGE_JWT_SECRET must be set, with at least {MIN_SECRET_BYTES} bytes, to mint tokens")
    claims: dict[str, Any] = {"sub": subject, "tenant_id": tenant, "iat": int(now), "exp": int(now + lifetime_seconds)}
    if roles:
        claims["roles"] = list(roles)
    if config.jwt_issuer:
        claims["iss"] = config.jwt_issuer
    if config.jwt_audience:
        claims["aud"] = config.jwt_audience
    return jwt.encode(claims, str(config.jwt_secret), algorithm="HS256")
