"""One edge request as every vendor's log tells it: the schema that all formats are read into."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final

REGISTERED_CODES = frozenset(str(code.value) for code in HTTPStatus) | {
    # Codes that edges write though no registry has them: nginx 444, 494-499; Cloudflare 520-530; 000 is no answer.
    *("000", "444", "494", "495", "496", "497", "499"),
    *(str(code) for code in range(520, 531)),
}
ABORTED_CODES = frozenset({"000", "0", "499"})
HTTP_VERSIONS = {"1": "h1", "2": "h2", "3": "h3"}
SERVED = frozenset({"2xx", "3xx"})
NOT_LOGGED = -1
MAX_KEPT: Final = 512
"""What was made of a longer text is not kept for the next line: viewers can make up many of 64 KiB."""


class Facts:
    """What many requests have in common; made by ``make_facts``, so that there are few to count records by."""

    __slots__ = ("answer", "cache", "code", "code_class", "country", "origin", "pop", "protocol", "tls")

    def __init__(
        self,
        code: str,
        code_class: str,
        cache: str,
        protocol: str,
        tls: str,
        country: str,
        pop: str,
        origin: tuple[str, ...],
    ) -> None:
        self.code = code
        """exact status, ``other`` where no registered one"""
        self.code_class = code_class
        """2xx 3xx 4xx 5xx, ``aborted`` where the viewer gave up, ``other``"""
        self.cache = cache
        """hit, miss, stale, revalidated, bypass, error, none"""
        self.answer = f"{code_class} {cache}"
        self.protocol = protocol
        """h1 h2 h3, ``other``"""
        self.tls = tls
        """TLS version such as ``1.3``, ``none`` for plain HTTP"""
        self.country = country
        """ISO 3166-1 alpha-2, ``ZZ`` where unknown"""
        self.pop = pop
        """point of presence, or empty"""
        self.origin = origin
        """code classes of the answers the edge had from the origin, one a try"""

    def status(self) -> int:
        """The status as a number, 0 where it is no registered one."""
        return int(self.code) if self.code.isdigit() else 0

    def known_country(self) -> str:
        """The country, empty where unknown."""
        return "" if self.country == "ZZ" else self.country


class LogRecord:
    """One request; missing texts are empty, missing numbers -1. Seconds and bytes throughout."""

    __slots__ = (
        *("time", "facts", "path", "bytes", "request_bytes", "seconds", "first_byte_seconds", "origin_seconds"),
        *("origin_bytes", "address", "user_agent", "signed_id", "cmcd", "request_id"),
    )

    def __init__(
        self,
        time: float,
        facts: Facts,
        path: str,
        bytes: int,
        request_bytes: int = NOT_LOGGED,
        seconds: float = NOT_LOGGED,
        first_byte_seconds: float = NOT_LOGGED,
        origin_seconds: tuple[float, ...] = (),
        origin_bytes: int = 0,
        address: str = "",
        user_agent: str = "",
        signed_id: str = "",
        cmcd: str = "",
        request_id: str = "",
    ) -> None:
        self.time = time
        self.facts = facts
        self.path = path
        self.bytes = bytes
        self.request_bytes = request_bytes
        self.seconds = seconds
        self.first_byte_seconds = first_byte_seconds
        self.origin_seconds = origin_seconds
        self.origin_bytes = origin_bytes
        self.address = address
        self.user_agent = user_agent
        self.signed_id = signed_id
        self.cmcd = cmcd
        self.request_id = request_id


@lru_cache(maxsize=1024)
def code_class(code: str) -> str:
    """The class of a status code: ``2xx`` and so on, ``aborted`` for client aborts, ``other`` for what is no status."""
    if code in ABORTED_CODES:
        return "aborted"
    return f"{code[0]}xx" if len(code) == 3 and code.isascii() and code.isdigit() and "1" <= code[0] <= "5" else "other"


def known_code(code: str) -> str:
    """The code when it is a registered one, else ``other``."""
    return code if code in REGISTERED_CODES else "other"


@lru_cache(maxsize=256)
def http_version(protocol: str) -> str:
    """``h1``, ``h2`` or ``h3`` from ``HTTP/1.1``, ``h2``, ``HTTP/3.0``, ``2.0`` and the like."""
    number = protocol.upper().removeprefix("HTTP/").removeprefix("H").removeprefix("Q")[:1]
    return HTTP_VERSIONS.get(number, "other")


@lru_cache(maxsize=256)
def tls_version(text: str) -> str:
    """``1.3`` from ``TLSv1.3``, ``TLS 1.3`` and the like; ``none`` where there was no TLS."""
    for version in ("1.3", "1.2", "1.1", "1.0"):
        if version in text:
            return version
    if text.strip().lower() in ("tlsv1", "tls1"):
        return "1.0"
    return "none" if text in ("", "-", "none") else "other"


@lru_cache(maxsize=1024)
def country_code(text: str) -> str:
    """An upper-case alpha-2 code, ``ZZ`` for anything else."""
    code = text.strip().upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else "ZZ"


def make_facts(
    code: str,
    cache: str,
    protocol: str = "",
    tls: str = "",
    country: str = "",
    pop: str = "",
    origin: tuple[str, ...] = (),
    aborted: bool = False,
) -> Facts:
    """Facts from texts as logs have them; ``origin`` are status codes; ``aborted`` overrides the status."""
    tries = tuple([one[:4] for one in origin[:8]]) if origin else origin
    return _kept_facts(code[:4], cache[:16], protocol[:32], tls[:32], country[:32], pop[:32], tries, aborted)


@lru_cache(maxsize=8192)
def _kept_facts(
    code: str, cache: str, protocol: str, tls: str, country: str, pop: str, origin: tuple[str, ...], aborted: bool
) -> Facts:
    return Facts(
        known_code(code),
        "aborted" if aborted else code_class(code),
        cache,
        http_version(protocol),
        tls_version(tls),
        country_code(country),
        pop,
        tuple(code_class(one) for one in origin),
    )
