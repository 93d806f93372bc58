"""Whose address a request comes from, and what of it may be kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from exporters.errors import ConfigError


class TrustedProxies:
    """Believes ``X-Forwarded-For`` as far as proxies of these networks wrote it (right to left)."""

    def __init__(self, variable: str, networks: Sequence[str]) -> None:
        try:
            self._networks = tuple(ip_network(text, strict=False) for text in networks)
        except ValueError as error:
            raise ConfigError(f"{variable}: {error}; it must be networks such as 10.0.0.0/8,::1/128") from error

    def trusts(self, address: str) -> bool:
        """Whether an address is that of a trusted proxy."""
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._networks)

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


@lru_cache(maxsize=16384)
def truncate(address: str) -> str:
    """The address with the viewer's own part set to zero: /24 of IPv4, /48 of IPv6; ``""`` when it is none."""
    parsed = _parse(address)
    if parsed is None:
        return ""
    prefix = 24 if parsed.version == 4 else 48
    return str(ip_network((parsed, prefix), strict=False).network_address)


@lru_cache(maxsize=16384)
def is_public(address: str) -> bool:
    """Whether the address is one of the open internet, so that it tells households apart."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_global


@lru_cache(maxsize=16384)
def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(address.strip("[]"))
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped
    return parsed
