"""Where a viewer is: by a CDN's word, else by a MaxMind-format database, else unknown (``ZZ``)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import maxminddb

from exporters.errors import ConfigError
from exporters.viewers.addresses import CACHED_ADDRESSES

UNKNOWN_COUNTRY: Final = "ZZ"
_NOT_COUNTRIES = frozenset({"XX", "T1", "AP", "EU", "A1", "A2", "O1"})


class Place(NamedTuple):
    """Country (ISO 3166-1 alpha-2 or ``ZZ``), region and city (English names or empty)."""

    country: str
    region: str
    city: str


NOWHERE = Place(UNKNOWN_COUNTRY, "", "")


class Geography:
    """Looks addresses up; without a database only the CDN's word counts."""

    def __init__(self, variable: str, database: str) -> None:
        self._reader: Any = None
        if database:
            try:
                self._reader = maxminddb.open_database(Path(database))
            except (OSError, maxminddb.InvalidDatabaseError) as error:
                raise ConfigError(f"{variable} is {database!r}: {error}; it must be a .mmdb file") from error
        self._cached = lru_cache(maxsize=CACHED_ADDRESSES)(self._look_up)

    def place(self, address: str, told_country: str) -> Place:
        """The place of a viewer; ``told_country`` is what the CDN says, or empty."""
        told = country_code(told_country)
        found = self._cached(address) if self._reader is not None else NOWHERE
        if told == UNKNOWN_COUNTRY or told == found.country:
            return found
        return Place(told, "", "")

    def _look_up(self, address: str) -> Place:
        try:
            row = self._reader.get(address)
        except ValueError:  # no address, or an IPv6 one in an IPv4 database
            return NOWHERE
        if not isinstance(row, dict):
            return NOWHERE
        country = row.get("country") or row.get("registered_country") or {}
        regions = row.get("subdivisions") or [{}]
        return Place(country_code(str(country.get("iso_code", ""))), _name(regions[0]), _name(row.get("city") or {}))


def country_code(text: str) -> str:
    """A well-formed country code, or ``ZZ``."""
    if len(text) == 2 and text.isascii() and text.isalpha():
        upper = text.upper()
        return UNKNOWN_COUNTRY if upper in _NOT_COUNTRIES else upper
    return UNKNOWN_COUNTRY


def _name(row: dict[str, Any]) -> str:
    return str((row.get("names") or {}).get("en", ""))[:64]
