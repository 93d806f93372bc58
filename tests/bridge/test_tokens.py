"""Which tokens are believed, and why the others are not."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest

from bridge.config import Config
from bridge.identity import Identity
from bridge.tokens import KEPT_TOKENS, MAX_TOKEN_BYTES, TokenError, TokenVerifier, mint, verifier
from exporters.errors import ConfigError
from exporters.settings import Secret
from tests.bridge.streams_made import SECRET
from tests.bridge.tokens_made import EC_KEY, NEW_RSA_KEY, RSA_KEY, claims, key_server, public_pem, signed, signed_with

CONFIG = Config(jwt_secret=Secret(SECRET), jwt_issuer="", jwt_leeway_seconds=5)


def made(config: Config = CONFIG) -> TokenVerifier:
    found = verifier(config)
    assert found is not None
    return found


def reason(token: str, config: Config = CONFIG) -> str:
    with pytest.raises(TokenError) as caught:
        made(config).verify(token)
    return caught.value.reason


def test_a_good_token_names_its_tenant_and_roles() -> None:
    expires = int(time.time()) + 100
    token = signed(exp=expires, roles=["operator"], scope="ingest read")
    assert made().verify(token) == Identity("ann", "acme", frozenset({"operator", "ingest", "read"}), expires)


def test_cognitos_claims_are_understood() -> None:
    token = signed(tenant_id=None, **{"custom:tenant_id": "acme", "cognito:groups": ["admin"]})
    identity = made().verify(token)
    assert (identity.tenant_id, identity.is_admin) == ("acme", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": 1000}, "expired"),
        ({"exp": None}, "expiry"),
        ({"exp": "soon"}, "malformed"),
        ({"nbf": 9_999_999_999}, "not_yet_valid"),
        ({"tenant_id": None}, "tenant"),
        ({"tenant_id": ""}, "tenant"),
        ({"tenant_id": 7}, "tenant"),
        ({"tenant_id": "a\x00b"}, "malformed"),
        ({"tenant_id": "\ud800"}, "malformed"),
        ({"sub": "a\x00b"}, "malformed"),
        ({"sub": ["ann"]}, "malformed"),
    ],
)
def test_bad_claims_are_refused(changes: dict[str, Any], expected: str) -> None:
    assert reason(signed(**changes)) == expected


def test_clocks_may_differ_by_the_leeway() -> None:
    now = time.time()
    assert made().verify(signed(exp=int(now - 3), nbf=int(now + 3))).subject == "ann"
    assert reason(signed(exp=int(now - 8))) == "expired"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("[object Promise]", "promise"),
        ("", "malformed"),
        ("abc", "malformed"),
        ("a.b.c", "malformed"),
        ("x" * (MAX_TOKEN_BYTES + 1), "oversized"),
        (signed() + "x", "signature"),
        (signed(secret="another-secret-of-at-least-32-bytes!!"), "signature"),
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str, expected: str) -> None:
    assert reason(token) == expected


def unsigned(algorithm: str) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims())}."


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "RS256", ""])
def test_only_the_configured_algorithm_is_believed(algorithm: str) -> None:
    assert reason(unsigned(algorithm)) == "algorithm"


def test_issuer_and_audience_are_checked_where_set() -> None:
    config = replace(CONFIG, jwt_issuer="https://issuer", jwt_audience="app")
    assert made(config).verify(signed(iss="https://issuer", aud=["x", "app"])).subject == "ann"
    assert made(config).verify(signed(iss="https://issuer", client_id="app")).subject == "ann"
    assert reason(signed(iss="https://other", aud="app"), config) == "issuer"
    assert reason(signed(iss="https://issuer", aud="other"), config) == "audience"
    assert reason(signed(iss="https://issuer"), config) == "audience"


def test_key_sets_verify_rs256_and_es256_only() -> None:
    with key_server({"r": RSA_KEY, "e": EC_KEY}) as server:
        config = replace(CONFIG, jwt_secret=Secret(""), jwks_url=server.url)
        one = made(config)
        assert one.verify(signed_with(RSA_KEY, "r")).tenant_id == "acme"
        assert one.verify(signed_with(EC_KEY, "e")).tenant_id == "acme"
        assert reason(signed_with(RSA_KEY, "e"), config) in ("signature", "malformed")
        assert reason(signed_with(RSA_KEY, "unknown"), config) == "unknown_key"
        assert reason(signed(), config) == "algorithm"


def test_a_public_key_is_no_shared_secret() -> None:
    # Algorithm confusion (RFC 8725 §2.1): an HS256 token "signed" with the issuer's public key.
    forged = jwt.api_jws.PyJWS()
    forged._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    token = forged.encode(json.dumps(claims()).encode(), public_pem(RSA_KEY), algorithm="HS256", headers={"kid": "r"})
    with key_server({"r": RSA_KEY}) as server:
        assert reason(token, replace(CONFIG, jwt_secret=Secret(""), jwks_url=server.url)) == "algorithm"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (Config(jwt_secret=Secret("short")), "BRIDGE_JWT_SECRET is shorter than 32 bytes"),
        (Config(), "BRIDGE_AUTH is required; that needs BRIDGE_JWT_SECRET or BRIDGE_JWKS_URL"),
        (replace(CONFIG, jwks_url="http://x"), "BRIDGE_JWT_SECRET and BRIDGE_JWKS_URL are both set"),
    ],
)
def test_settings_that_protect_nothing_stop_the_start(config: Config, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        verifier(config)


def test_without_authentication_no_key_is_needed() -> None:
    assert verifier(Config(auth="off")) is None


def test_a_minted_token_is_believed() -> None:
    config = replace(CONFIG, jwt_issuer="local", jwt_audience="app")
    token = mint(config, "dev", "acme", ["operator"], 60, time.time())
    identity = made(config).verify(token)
    assert (identity.subject, identity.tenant_id, identity.has_role("operator")) == ("dev", "acme", True)


def test_minting_needs_the_shared_secret() -> None:
    with pytest.raises(ConfigError, match="BRIDGE_JWT_SECRET must be set"):
        mint(Config(), "dev", "acme", [], 60, time.time())


def test_a_kept_token_is_judged_by_its_times_on_each_use() -> None:
    now = [1000.0]
    found = verifier(CONFIG, lambda: now[0])
    assert found is not None
    token = signed(nbf=1000, exp=1100)
    assert found.verify(token) is found.verify(token)
    for second, why in ((1105.0, "expired"), (994.0, "not_yet_valid")):
        now[0] = second
        with pytest.raises(TokenError) as caught:
            found.verify(token)
        assert caught.value.reason == why
    now[0] = 1104.9
    assert found.verify(token).subject == "ann"


def test_a_kept_token_is_proven_again_by_another_key() -> None:
    keys: dict[str, Any] = {"a": RSA_KEY.public_key()}
    found = TokenVerifier(["RS256"], lambda header: keys.get(header["kid"]))
    token = signed_with(RSA_KEY, "a")
    assert found.verify(token).subject == "ann"
    for key, why in ((NEW_RSA_KEY.public_key(), "signature"), (None, "unknown_key")):
        keys["a"] = key
        with pytest.raises(TokenError) as caught:
            found.verify(token)
        assert caught.value.reason == why


def test_the_number_of_kept_tokens_is_bounded() -> None:
    found = made()
    tokens = [signed(sub=str(number)) for number in range(KEPT_TOKENS + 1)]
    first = found.verify(tokens[0])
    last = [found.verify(one) for one in tokens][-1]
    assert found.verify(tokens[-1]) is last
    assert found.verify(tokens[0]) is not first
