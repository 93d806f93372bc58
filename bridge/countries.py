"""Names of countries by ISO 3166-1 alpha-2 code, as Unicode CLDR writes them in English."""

from __future__ import annotations

from functools import lru_cache

from babel import Locale

NAMES = Locale("en").territories


@lru_cache(maxsize=512)
def country_name(code: str) -> str:
    """The country's English name; an unknown code names itself."""
    return str(NAMES.get(code.upper(), code))
