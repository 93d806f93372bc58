"""What texts of settings must look like: URLs, addresses to listen on, currency rates. Refusals name the variable."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from exporters.errors import ConfigError

MAX_PORT = 65535
ANYWHERE = frozenset({"0.0.0.0", "::"})
_HOST = re.compile(r"[\w.%:-]+|\[[0-9A-Fa-f.:%\w]+\]", re.ASCII)
_SPACE = re.compile(r"\s")
_ACCOUNT = re.compile(r"//[^/@\s]*@")


def is_url(text: str, schemes: Sequence[str] = ("http", "https")) -> bool:
    """Whether this is a URL of such a scheme, with a host and no odd port."""
    try:
        parts = urlsplit(text)
        # Reading the port also refuses one that is no number.
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and not _SPACE.search(text)
    except ValueError:
        return False


def url(example: str, schemes: Sequence[str] = ("http", "https")) -> Callable[[str, str], None]:
    """A check of URL settings. Its refusal does not repeat the value: that may hold a password."""

    def check(variable: str, text: str) -> None:
        if not is_url(text, schemes):
            raise ConfigError(f"{variable} must be a URL with {' or '.join(schemes)}, for example {example}")

    return check


def without_account(text: str) -> str:
    """The text with user names and passwords of URLs in it replaced by asterisks."""
    return _ACCOUNT.sub("//***@", text)


def parse_address(variable: str, text: str) -> tuple[str, int]:
    """``host:port`` as a pair; raises ConfigError that names the variable."""
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host) or not (port.isascii() and port.isdigit()) or int(port) > MAX_PORT:
        raise ConfigError(f"{variable} is {text!r}; it must be host:port, for example 127.0.0.1:9701")
    return host.strip("[]"), int(port)


def family_of(host: str) -> socket.AddressFamily:
    """Whether a host to listen on is of IPv4 or IPv6."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def check_apart(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Raises ConfigError when two settings, (variable, address) each, want the same port of one host."""
    (host, port), (other, other_port) = parse_address(*first), parse_address(*second)
    if port == other_port != 0 and (host == other or not ANYWHERE.isdisjoint((host, other))):
        raise ConfigError(f"{second[0]} is {second[1]!r}, the address of {first[0]}; set another port")


def cannot_listen(variable: str, address: tuple[str, int], error: OSError) -> ConfigError:
    """What is said when an address is taken or not this machine's."""
    return ConfigError(
        f"cannot listen on {address[0]}:{address[1]}: {error.strerror}; is another one running?"
        f" Set {variable} to a free port"
    )


def parse_rates(variable: str, texts: Sequence[str]) -> dict[str, float]:
    """``EUR=1.08`` texts as the worth of each currency; raises ConfigError that names the variable."""
    rates = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            rate = float(value)
        except ValueError:
            rate = 0.0
        if not name.strip() or not 0 < rate < math.inf:
            raise ConfigError(f"{variable} has {text!r}; it must be like EUR=1.08")
        rates[name.strip().upper()] = rate
    return rates
