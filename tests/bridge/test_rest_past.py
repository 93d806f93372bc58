"""Streams that are known but not on air: zeros that say so, or what history remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge import rest
from bridge.app import create_app
from bridge.snapshot import HOPS, build
from tests.bridge.streams_made import simulated

STREAM = "base-camp"


def without_streams(**changes: Any) -> Any:
    """An app whose snapshot has no stream any more."""
    _, parts = simulated()
    parts.services.snapshots.swap(build(parts.services.clock(), {}))
    services = replace(parts.services, **changes)
    return create_app(services, (rest.routes(services),)).test_client()


class Known:
    """A registry that knows every stream, without having seen one."""

    title = "Tonight"

    def get(self, stream_id: str) -> Known:
        return self


def test_a_planned_stream_is_all_zeros_and_every_hop_is_missing() -> None:
    body = without_streams(registry=Known()).get(f"/api/v1/analytics/streams/{STREAM}").json
    assert body["currentViewers"] == 0
    assert body["meta"]["missing"] == list(HOPS)


def test_history_remembers_a_stream_that_has_ended() -> None:
    body = without_streams().get(f"/api/v1/analytics/streams/{STREAM}/metrics").json
    assert body["streamId"] == STREAM
    assert body["duration"] > 0


def test_what_nobody_knows_is_404() -> None:
    for path in ("nope", "nope/metrics"):
        assert without_streams().get(f"/api/v1/analytics/streams/{path}").status_code == 404
