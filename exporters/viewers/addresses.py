"""Whose address a request comes from, and what of it may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from exporters.errors import ConfigError

CACHED_ADDRESSES = 8_192
CACHED_PROXIES = 1_024


class TrustedProxies:
    """Believes ``X-Forwarded-For`` as far as proxies of these networks wrote it (right to left)."""

    def __init__(self, variable: str, networks: Sequence[str]) -> None:
        try:
            self._networks = tuple(ip_network(text, strict=False) for text in networks)
        except ValueError as error:
            raise ConfigError(f"{variable}: {error}; it must be networks such as 10.0.0.0/8,::1/128") from error
        self.trusts = lru_cache(maxsize=CACHED_PROXIES)(self._trusts)
        """whether an address is that of a trusted proxy"""

    def client(self, peer: str, forwarded: str) -> str:
        """The nearest address that is not a trusted proxy's; the peer's where nothing better is told."""
        best = peer
        for part in reversed([peer_part.strip() for peer_part in forwarded[:512].split(",") if peer_part.strip()]):
            if not self.trusts(best):
                return best
            if _parse(part) is None:
                return best
            best = part
        return best

    def _trusts(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)


class Network(NamedTuple):
    """What may be kept of an address."""

    address: str
    """the address with the viewer's own part set to zero: /24 of IPv4, /48 of IPv6; empty where there is none"""
    is_public: bool
    """whether it is of the open internet, so that it tells households apart"""


NOT_AN_ADDRESS = Network("", False)


@lru_cache(maxsize=CACHED_ADDRESSES)
def network_of(address: str) -> Network:
    """The network of a viewer's address."""
    parsed = _parse(address)
    if parsed is None:
        return NOT_AN_ADDRESS
    prefix = 24 if parsed.version == 4 else 48
    return Network(str(ip_network((parsed, prefix), strict=False).network_address), parsed.is_global)


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped
    return parsed
