"""Whatever a player, an app or the CDN exporter sends: reports and events, or a refusal; never anything else."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.errors import SourceFormatError
from exporters.server import Request
from exporters.viewers import cmcd
from exporters.viewers.app_events import app_event, read_events
from exporters.viewers.beacons import STATES, beacon_report, beacon_stream, beacon_time, read_beacons
from exporters.viewers.intake import Client
from exporters.viewers.internal import InternalRoutes
from exporters.viewers.reports import Report
from tests.anything import JSON, spoiled
from tests.viewers.making import Clock, Kept
from tests.viewers.test_recordings import intake_of

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


def bodies(sample: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A spoiled object, alone or in a list; or any bytes."""
    one = spoiled(sample)
    return (one | st.lists(one | JSON, max_size=4) | JSON).map(orjson.dumps) | st.binary(max_size=60)


@settings(max_examples=150, deadline=None)
@given(bodies(BEACON))
def test_beacons(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for beacon in read_beacons(body):
            with contextlib.suppress(SourceFormatError):
                report = beacon_report(beacon, 1795427343.0, lambda session: None, 0.0)
                assert isinstance(report, Report) and isinstance(beacon_stream(beacon), str)
                assert beacon_time(beacon) == -1 or 0 < beacon_time(beacon) < 1e12
                assert beacon["state"] in STATES


@settings(max_examples=150, deadline=None)
@given(bodies(EVENT))
def test_app_events(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for row in read_events(body):
            with contextlib.suppress(SourceFormatError):
                event = app_event(row, 1795427343.0)
                assert 0 <= event.amount < 1e9


@settings(max_examples=150, deadline=None)
@given(bodies(CMCD))
def test_cmcd_as_json(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        for found in cmcd.parse_json(body):
            assert all(isinstance(value, str) for value in found.values())


DELIVERY = [1795420800.0, "nginx", "demo", "segment", "720p", 200, 9000, 0.1, "10.0.0.1", "curl/8", "DE", "", 'sid="a"']
ROWS = st.builds(
    lambda row, changes: [changes.get(place, value) for place, value in enumerate(row)],
    st.sampled_from([DELIVERY, [*DELIVERY[:-1], ""]]),
    st.dictionaries(st.integers(0, len(DELIVERY)), JSON, max_size=2),
)
SEQUENCES = itertools.count()
HANDOFFS = st.fixed_dictionaries(
    {
        "source": st.just("edge") | JSON,
        "sequence": st.builds(lambda: next(SEQUENCES)) | JSON,
        "records": st.lists(ROWS, min_size=1, max_size=3) | st.lists(JSON, max_size=2) | JSON,
    }
)
LINES = st.lists(
    st.sampled_from(
        ['sid="a"', 'cid="demo"', "e=ps", "sta=p", "v=2", "sn=-1", "ts=99999999999999999999", "br=(5;v 6", '"']
    )
    | st.text(max_size=9)
).map(",".join)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made = Kept(tmp_path_factory.mktemp("fuzz"), Clock())
    yield made
    made.kill()


@settings(max_examples=200, deadline=None)
@given(bodies(BEACON), bodies(EVENT), bodies(CMCD), LINES, HANDOFFS.map(orjson.dumps))
def test_the_session_engine_takes_or_refuses(
    kept: Kept, beacon: bytes, event: bytes, json: bytes, lines: str, handoff: bytes
) -> None:
    intake, somebody = intake_of(kept), Client("203.0.113.7", "curl/8", "DE")
    for outcome in (
        intake.beacons(beacon, somebody),
        intake.app_events(event, somebody),
        intake.cmcd_json(json, somebody, "demo"),
        intake.cmcd_lines(lines.encode(), somebody, "demo"),
    ):
        assert outcome.status == 204 if outcome.taken else outcome.status in (400, 403, 404) and outcome.problem
    reply = InternalRoutes(intake).handoff(Request("POST", "", {}, handoff, "127.0.0.1"))
    assert reply.status in (200, 400)


def test_what_it_took_can_be_kept_and_ends_like_others(kept: Kept) -> None:
    """The same numbers come back from journal and checkpoint; what was refused is in neither."""

    def numbers() -> dict[str, Any]:
        return {name: rows for name, rows in kept.shard.tables.state().items() if "rejected" not in name}

    before = numbers()
    for _ in range(2):
        kept.kill()
        kept.start()
        assert numbers() == before
        kept.store.checkpoint()
    kept.tick(kept.clock.now + 600)
    sessions = kept.rows("session")
    assert sessions
    for session in sessions:
        assert 0 <= session["watch_seconds"] <= session["left"] - session["joined"] + 0.001


@given(st.dictionaries(st.sampled_from(cmcd.HEADERS), LINES))
def test_cmcd_in_headers(headers: dict[str, str]) -> None:
    with contextlib.suppress(SourceFormatError):
        assert all(isinstance(value, str) for value in cmcd.parse_headers(headers).values())
