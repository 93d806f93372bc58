"""Imagined answers: any shape of the contract, filled with seeded numbers that its annotations allow."""

from __future__ import annotations

import random
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NotRequired, Required, Union, is_typeddict

from bridge.contract import instant

POINTS = 24
MOST = 1000
NAMES: Mapping[str, Sequence[str]] = {
    "countries": ("Germany", "United States", "Brazil", "Japan"),
    "viewersByCountry": ("Germany", "United States", "Brazil", "Japan"),
    "regions": ("Bavaria", "California", "São Paulo", "Tokyo"),
    "viewersByRegion": ("Bavaria", "California", "São Paulo", "Tokyo"),
    "cities": ("Munich", "San Francisco", "São Paulo", "Tokyo"),
    "browsers": ("Chrome", "Safari", "Firefox", "Edge"),
    "operatingSystems": ("Android", "iOS", "Windows", "macOS"),
    "qualityDistribution": ("1080p", "720p", "480p"),
    "progress": ("targetViewers", "targetRevenue"),
}
DEVICES = ("mobile", "desktop", "smart tv", "tablet")
WORDS: Mapping[str, str] = {
    "ipAddress": "203.0.113.0",
    "userAgent": "Mozilla/5.0",
    "country": "Germany",
    "region": "Bavaria",
    "city": "Munich",
    "browser": "Chrome",
    "os": "Android",
    "quality": "720p",
    "currency": "USD",
}


class Imagined:
    """Fills shapes for one question; the same seed and question give the same answer."""

    def __init__(self, seed: str, start: datetime, end: datetime, known: Mapping[str, Any]) -> None:
        self._random = random.Random(seed)
        self._start = start
        self._end = end
        self._known = known

    def of(self, kind: Any, name: str = "", at: datetime | None = None) -> Any:
        """A value of this type for the field ``name``; ``at`` is the instant of the point it belongs to."""
        if name in self._known:
            return self._known[name]
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (NotRequired, Required):
            return self.of(arguments[0], name, at)
        if origin is typing.Annotated:
            return self._annotated(kind, name, at)
        if is_typeddict(kind):
            hints = typing.get_type_hints(kind, include_extras=True)
            return {field: self.of(hint, field, at) for field, hint in hints.items()}
        if origin is Literal:
            return arguments[0]
        if origin is list:
            return [self.of(arguments[0], name, moment) for moment in self._moments()]
        if origin is dict:
            return {key: self.of(arguments[1], key, at) for key in NAMES.get(name, DEVICES)}
        if origin in (Union, types.UnionType):
            return self.of(arguments[0], name, at)
        return self._plain(kind, name, {})

    def _annotated(self, kind: Any, name: str, at: datetime | None) -> Any:
        notes: dict[str, Any] = {}
        for one in kind.__metadata__:
            notes.update(one if isinstance(one, dict) else {})
        moment = at or self._end
        if notes.get("format") == "date-time":
            return instant(moment.timestamp())
        if notes.get("format") == "date":
            return moment.date().isoformat()
        if kind.__origin__ in (int, float, str):
            return self._plain(kind.__origin__, name, notes)
        return self.of(kind.__origin__, name, at)

    def _plain(self, kind: Any, name: str, notes: Mapping[str, Any]) -> Any:
        if kind is bool:
            return False
        if kind is int:
            return self._random.randint(0, int(notes.get("maximum", MOST)))
        if kind is float:
            return round(self._random.uniform(0, notes.get("maximum", MOST)), 2)
        return WORDS.get(name, f"{name or 'text'}-{self._random.randint(1, 99)}")

    def _moments(self) -> list[datetime]:
        step = max((self._end - self._start) / POINTS, timedelta(seconds=1))
        return [self._start + step * number for number in range(POINTS)]
