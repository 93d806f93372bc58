"""Where viewers were and what they watched with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge import contract
from bridge.database import Connection
from bridge.history import shapes, uniques
from bridge.history.coordinates import where
from bridge.history.selection import Selection
from bridge.history.session_sums import FILTERED_DIMENSIONS, SessionSums, split
from bridge.history.window import Window

TOP_PLACES = 200
Sums = Mapping[str, SessionSums]


def geographic(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """Geographic without ``meta``: plays by country, region and city, of each the most watched."""
    countries, regions, cities = (_keys(connection, selection, window, name) for name in ("country", "region", "city"))
    return {
        "countries": _places((shapes.country(key), key, "", one.plays) for key, one in countries.items()),
        "regions": _places((key[3:], key[:2], "", one.plays) for key, one in regions.items() if key[3:]),
        "cities": _places(
            (city, key[:2], city, one.plays) for key, one in cities.items() if (city := key.split("/", 2)[2])
        ),
    }


def devices(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """DeviceDistribution without ``meta``: plays by device, browser and operating system."""
    return {
        "devices": shapes.devices(_keys(connection, selection, window, "device")),
        "browsers": shapes.plain(_keys(connection, selection, window, "browser")),
        "operatingSystems": shapes.plain(_keys(connection, selection, window, "os")),
        "screenResolutions": {},
    }


def audience(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """AudienceShares without ``meta``: shares of plays in percent."""
    by_device = _keys(connection, selection, window, "device")
    distinct = uniques.together(connection, selection.scopes, window)
    return {
        "devices": _percents(shapes.devices(by_device)),
        "countries": _percents(shapes.countries(_keys(connection, selection, window, "country"))),
        "browsers": _percents(shapes.plain(_keys(connection, selection, window, "browser"))),
        "total_viewers": sum(one.plays for one in by_device.values()),
        "unique_viewers": distinct.viewers,
        "returning_viewers": distinct.returning,
    }


def _keys(connection: Connection, selection: Selection, window: Window, dimension: str) -> Sums:
    """Sums by key over all scopes; nothing where the filter keeps a dimension from being told."""
    if not selection.filter.is_empty and dimension not in FILTERED_DIMENSIONS:
        return {}
    return split(connection, selection, window, dimension).all()


def _places(rows: Iterable[tuple[str, str, str, int]]) -> dict[str, contract.Place]:
    """Places by name, from (name, country, city, plays); the largest of a name says where it is."""
    places: dict[str, contract.Place] = {}
    for name, country, city, plays in sorted(rows, key=lambda row: -row[3]):
        if name in places:
            places[name]["count"] += plays
        elif plays and len(places) < TOP_PLACES:
            lat, lng = where(country, city)
            places[name] = {"count": plays, "lat": lat, "lng": lng}
    return places


def _percents(counts: Mapping[str, float]) -> dict[str, float]:
    all_of_them = sum(counts.values())
    return {name: shapes.percent(count, all_of_them) for name, count in counts.items()}
