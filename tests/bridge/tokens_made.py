"""Tokens and keys for tests, and a key server that can rotate its keys and go away."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.bridge.streams_made import SECRET

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NEW_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a tenant's member, valid for an hour; a change to None leaves a claim out."""
    now = time.time()
    made = {"sub": "ann", "tenant_id": "acme", "iat": int(now), "exp": int(now + 3600), **changes}
    return {name: value for name, value in made.items() if value is not None}


def signed(secret: str = SECRET, **changes: Any) -> str:
    """An HS256 token."""
    return jwt.encode(claims(**changes), secret, algorithm="HS256")


def signed_with(key: Key, key_id: str, **changes: Any) -> str:
    """An RS256 or ES256 token."""
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": key_id})


def public_pem(key: Key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key: Key, key_id: str) -> dict[str, Any]:
    """The public key as a JSON Web Key."""
    if isinstance(key, rsa.RSAPrivateKey):
        made = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        made = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": key_id, "use": "sig"}


class KeyServer:
    """Serves a key set; counts how often it is asked, and answers 500 while ``away``."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self.keys = dict(keys)
        self.asked = 0
        self.away = False
        self.url = ""

    def document(self) -> bytes:
        return json.dumps({"keys": [jwk(key, key_id) for key_id, key in self.keys.items()]}).encode()


@contextmanager
def key_server(keys: Mapping[str, Key]) -> Iterator[KeyServer]:
    """A key server on a free port."""
    one = KeyServer(keys)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            one.asked += 1
            body = b"away" if one.away else one.document()
            self.send_response(500 if one.away else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
