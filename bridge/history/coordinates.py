"""Where places are, as far as the time-zone database says: a city that names a zone, else its country's main zone.

Source: ``zone.tab`` of the IANA time-zone database (public domain): ISO 6709 coordinates by country and zone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

Point = tuple[float, float]
"""Latitude and longitude, degrees."""
NOWHERE: Point = (0.0, 0.0)
_ISO_6709 = re.compile(r"([+-])(\d{2})(\d{2})(\d{2})?([+-])(\d{3})(\d{2})(\d{2})?")


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Point], dict[tuple[str, str], Point]]:
    """Points by country, of its first zone, and by (country, city)."""
    countries: dict[str, Point] = {}
    cities: dict[tuple[str, str], Point] = {}
    for line in files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            code, text, zone, *_ = line.split("\t")
            point = parse(text)
            countries.setdefault(code, point)
            cities[code, zone.rpartition("/")[2].replace("_", " ").lower()] = point
    return countries, cities


def parse(text: str) -> Point:
    """ISO 6709 degrees, minutes and perhaps seconds as decimal degrees; raises ValueError."""
    match = _ISO_6709.fullmatch(text)
    if match is None:
        raise ValueError(f"not ISO 6709: {text!r}")
    return _degrees(*match.groups()[:4]), _degrees(*match.groups()[4:])


def where(country: str, city: str = "") -> Point:
    """The point of a country (ISO 3166-1 alpha-2), or of a city in it; (0, 0) for an unknown country."""
    countries, cities = _table()
    return cities.get((country, city.lower())) or countries.get(country, NOWHERE)


def _degrees(sign: str, degrees: str, minutes: str, seconds: str | None) -> float:
    value = int(degrees) + int(minutes) / 60 + int(seconds or 0) / 3600
    return round(-value if sign == "-" else value, 4)
