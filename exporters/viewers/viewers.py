"""Turns an address and a user agent into what may be kept of them."""

from __future__ import annotations

from functools import lru_cache

from exporters.viewers.addresses import network_of
from exporters.viewers.geo import Geography
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.reports import Viewer

MAX_USER_AGENT = 256


@lru_cache(maxsize=20_000)
def _shared(text: str) -> str:
    """One copy of a text that many sessions keep."""
    return text


class ViewerResolver:
    """Resolves the viewer of a report: place, truncated address and today's pseudonym."""

    def __init__(self, pseudonyms: Pseudonyms, geography: Geography) -> None:
        self._pseudonyms = pseudonyms
        self._geography = geography

    def viewer(self, stream: str, address: str, user_agent: str, told_country: str, now: float) -> Viewer:
        """The viewer; the whole address goes no further than this."""
        network = network_of(address)
        place = self._geography.place(address, told_country)
        identity = self._pseudonyms.visitor(stream, address, user_agent, now) if address else 0
        return Viewer(
            identity,
            network.address,
            _shared(user_agent[:MAX_USER_AGENT]),
            place.country,
            place.region,
            place.city,
            network.is_public,
        )
