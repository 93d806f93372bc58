"""Where viewers were and what they watched with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bridge import contract
from bridge.database import Connection
from bridge.history import session_sums, shapes, uniques
from bridge.history.coordinates import where
from bridge.history.selection import Selection
from bridge.history.window import Window

TOP_PLACES = 200


def geographic(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """Geographic without ``meta``: plays by country, region and city, of each the most watched."""
    keys = _keys(connection, selection, window, ("country", "region", "city"))
    return {
        "countries": _places((shapes.country(key), key, "", plays) for key, plays in keys["country"].items()),
        "regions": _places((key[3:], key[:2], "", plays) for key, plays in keys["region"].items() if key[3:]),
        "cities": _places(
            (city, key[:2], city, plays) for key, plays in keys["city"].items() if (city := key.split("/", 2)[2])
        ),
    }


def devices(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """DeviceDistribution without ``meta``: plays by device, browser and operating system."""
    keys = _keys(connection, selection, window, ("device", "browser", "os"))
    return {
        "devices": shapes.devices(keys["device"]),
        "browsers": shapes.plain(keys["browser"]),
        "operatingSystems": shapes.plain(keys["os"]),
        "screenResolutions": {},
    }


def audience(connection: Connection, selection: Selection, window: Window) -> dict[str, Any]:
    """AudienceShares without ``meta``: shares of plays in percent."""
    keys = _keys(connection, selection, window, ("device", "country", "browser"))
    distinct = uniques.together(connection, selection.scopes, window)
    return {
        "devices": _percents(shapes.devices(keys["device"])),
        "countries": _percents(shapes.countries(keys["country"])),
        "browsers": _percents(shapes.plain(keys["browser"])),
        "total_viewers": sum(keys["device"].values()),
        "unique_viewers": distinct.viewers,
        "returning_viewers": distinct.returning,
    }


def _keys(
    connection: Connection, selection: Selection, window: Window, dimensions: Iterable[str]
) -> Mapping[str, Counter[str]]:
    """Plays by key over all scopes; nothing where the filter keeps a dimension from being told."""
    whole: dict[str, Counter[str]] = {one: Counter() for one in dimensions}
    for splits in session_sums.plays(connection, selection, window, whole).values():
        for dimension, keys in splits.items():
            whole[dimension].update(keys)
    return whole


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
