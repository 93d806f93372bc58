"""Whatever a player or app sends as JSON: reports and events, or a format error; never anything else."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.errors import SourceFormatError
from exporters.viewers import cmcd
from exporters.viewers.app_events import app_event, read_events
from exporters.viewers.beacons import STATES, beacon_report, beacon_stream, beacon_time, read_beacons
from exporters.viewers.reports import Report

BEACON = {
    **{"stream": "demo", "session": "5f0c", "seq": 3, "time": 1795427342806, "state": "playing", "interval": 5},
    **{"startupSeconds": 0.4, "bufferSeconds": 4, "latencySeconds": 6.5, "bitsPerSecond": 2e6, "variant": "720p"},
    **{"throughputBitsPerSecond": 9e6, "droppedFrames": 1, "hidden": True, "ad": False, "errors": ["x"], "user": "u"},
}
EVENT = {
    **{"streamId": "demo", "eventType": "tip", "userId": "u", "sessionId": "5f0c", "eventId": "e"},
    **{"timestamp": "2026-11-23T18:00:00Z", "eventData": {"amount": 5, "currency": "EUR", "text": "hello"}},
}
CMCD = {"sid": "5f0c", "cid": "demo", "br": 3200, "bl": 4000, "ot": "v", "sf": "h", "st": "l", "su": True, "ts": 1}
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=9)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def spoiled(sample: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A good object with some of its values replaced by anything, alone or in a list; or any bytes."""
    changes = st.dictionaries(st.sampled_from([*sample, "other"]), JSON, max_size=4)
    one = changes.map(lambda change: {**sample, **change})
    return (one | st.lists(one | JSON, max_size=4) | JSON).map(orjson.dumps) | st.binary(max_size=60)


@settings(max_examples=150, deadline=None)
@given(spoiled(BEACON))
def test_beacons(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for beacon in read_beacons(body):
            with contextlib.suppress(SourceFormatError):
                report = beacon_report(beacon, 1795427343.0, lambda session: None, 0.0)
                assert isinstance(report, Report) and isinstance(beacon_stream(beacon), str)
                assert beacon_time(beacon) == -1 or 0 < beacon_time(beacon) < 1e12
                assert beacon["state"] in STATES


@settings(max_examples=150, deadline=None)
@given(spoiled(EVENT))
def test_app_events(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for row in read_events(body):
            with contextlib.suppress(SourceFormatError):
                event = app_event(row, 1795427343.0)
                assert 0 <= event.amount < 1e9


@settings(max_examples=150, deadline=None)
@given(spoiled(CMCD))
def test_cmcd_as_json(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for found in cmcd.parse_json(body):
            assert all(isinstance(value, str) for value in found.values())
