"""The dashboards as built, and ways through them, for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.export import dashboard
from dashboards.pages import PAGES

Json = dict[str, Any]
DASHBOARDS: list[Json] = [dashboard(page) for page in PAGES]
UIDS = [one["uid"] for one in DASHBOARDS]


def items(of: Json) -> Iterator[Json]:
    """All panels and title lines, those inside collapsed rows as well."""
    for item in of["panels"]:
        yield item
        yield from item.get("panels", [])


def panels(of: Json) -> Iterator[Json]:
    """All panels that show something."""
    return (item for item in items(of) if item["type"] != "row")


def every_panel() -> list[tuple[str, Json]]:
    return [(f"{one['uid']}: {panel['title']}", panel) for one in DASHBOARDS for panel in panels(one)]


def every_target() -> list[tuple[str, Json]]:
    return [(f"{name} {target['refId']}", target) for name, panel in every_panel() for target in panel["targets"]]


def every_variable() -> list[tuple[str, Json]]:
    return [(f"{one['uid']}: ${each['name']}", each) for one in DASHBOARDS for each in one["templating"]["list"]]
