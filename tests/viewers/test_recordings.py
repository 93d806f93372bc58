"""Recorded players: hls.js in query mode, header mode and event mode, with a stall."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from exporters.handoff import Batch, DeliveryRecord
from exporters.viewers.admission import Admission
from exporters.viewers.geo import Geography
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.intake import Client, Intake
from exporters.viewers.limits import RateLimit
from exporters.viewers.translate import CmcdTranslator
from exporters.viewers.viewers import ViewerResolver
from tests.viewers.making import Clock, Kept

FIXTURES = Path(__file__).parents[1] / "fixtures" / "viewers"
RENDITIONS = ("_low", "_mid", "_hi")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path, Clock())
    yield one
    one.kill()


def intake_of(kept: Kept, geography: Geography | None = None) -> Intake:
    return Intake(
        kept.shard,
        Admission("VIEWERS_STREAMS", ("*",), lambda: None),
        ViewerResolver(Pseudonyms(kept.folder / "state"), geography or Geography("VIEWERS_GEO_DATABASE", "")),
        CmcdTranslator(RENDITIONS),
        RateLimit(0, 0),
        RateLimit(0, 0),
        clock=kept.clock,
    )


def requests_of(session: str) -> list[dict[str, Any]]:
    lines = (FIXTURES / "edge-requests.jsonl").read_bytes().splitlines()
    return [row for row in map(orjson.loads, lines) if session in row["cmcd_arg"] or session in row["cmcd_session"]]


def deliver(kept: Kept, session: str) -> dict[str, Any]:
    """Hand each recorded request over at its time, then let a long silence pass; the ended session's row."""
    intake = intake_of(kept)
    for number, row in enumerate(requests_of(session)):
        parts = [row[name] for name in ("cmcd_object", "cmcd_request", "cmcd_session", "cmcd_status") if row[name]]
        text = unquote(row["cmcd_arg"]) or ",".join(parts)
        kind = "media" if row["uri"].endswith(".m3u8") else "segment"
        variant = "hi" if "_hi" in row["uri"] else "low"
        record = DeliveryRecord(
            row["msec"], "nginx", "show", kind, variant, row["status"], row["bytes_sent"], 0.1,
            row["remote_addr"], row["ua"], "", "", text,
        )  # fmt: skip
        kept.tick(row["msec"])
        intake.handoff(Batch("edge", number, [record]))
    kept.tick(row["msec"] + 120)
    (ended,) = kept.rows("session")
    return ended


def test_a_stall_in_query_mode_is_measured_from_the_empty_buffer_to_the_next_segment(kept: Kept) -> None:
    row = deliver(kept, "stall-v1b")
    # The last segment before the stall was asked for at 34:29.4 with 4.1 s of buffer and is 2 s long: dry at 34:35.5;
    # the next one, marked bs, at 34:43.3.
    assert row["rebuffers"] == 1
    assert row["rebuffer_seconds"] == pytest.approx(7.8, abs=0.4)
    assert row["left"] - row["joined"] == pytest.approx(28.1, abs=0.2)
    assert row["watch_seconds"] == pytest.approx(28.1 - 7.8 - 1.7, abs=0.6)
    assert row["variant"] == "hi"
    assert row["device"] == "desktop"


def test_while_playlists_repeat_a_frozen_buffer_the_viewer_counts_as_stalled(kept: Kept) -> None:
    intake = intake_of(kept)
    shown = []
    for number, row in enumerate(requests_of("stall-v1b")):
        kept.tick(row["msec"])
        record = DeliveryRecord(
            row["msec"], "nginx", "show", "media" if row["uri"].endswith(".m3u8") else "segment", "hi", row["status"],
            1, 0.1, row["remote_addr"], row["ua"], "", "", unquote(row["cmcd_arg"]),
        )  # fmt: skip
        intake.handoff(Batch("edge", number, [record]))
        shown.append((row["ts"][14:19], next(s for s, n in kept.shard.engine.broadcasts["show"].states.items() if n)))
    assert dict(shown)["34:34"] == "playing"
    assert dict(shown)["34:38"] == "rebuffering"
    assert dict(shown)["34:42"] == "rebuffering"
    assert shown[-1][1] == "playing"


def test_header_mode_is_the_same_session_as_it_would_be_by_query(kept: Kept) -> None:
    row = deliver(kept, "hdr-mode")
    assert (row["played"], row["variant"], row["rebuffers"]) == (True, "hi", 0)


def test_a_player_without_object_types_is_understood(kept: Kept) -> None:
    row = deliver(kept, "edc30080")
    assert row["played"]
    assert row["watch_seconds"] == pytest.approx(2.0, abs=1.0)


def send_events(kept: Kept, session: str) -> dict[str, Any]:
    intake = intake_of(kept)
    client = Client("198.51.100.7", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile Safari", "AT")
    for line in (FIXTURES / "events-hlsjs.cmcd").read_text().splitlines():
        if session in line:
            stamp = int(line.split("ts=")[1].split(",")[0]) / 1000
            kept.tick(max(kept.clock.now, stamp) + 0.02)
            assert intake.cmcd_lines(line.encode() + b"\n", client).status == 204
    kept.tick(kept.clock.now + 200)
    (row,) = kept.rows("session")
    return row


def test_event_mode_tells_the_startup_and_the_stall_exactly(kept: Kept) -> None:
    row = send_events(kept, "stall-v2")
    assert row["startup_seconds"] == pytest.approx(1.072, abs=0.03)  # asked 389.499, first frame 390.571
    assert (row["rebuffers"], row["rebuffer_seconds"]) == (1, pytest.approx(7.069, abs=0.03))  # 402.469 to 409.538
    assert row["watch_seconds"] == pytest.approx(419.500 - 390.571 - 7.069, abs=0.03)
    assert (row["country"], row["device"], row["address"]) == ("AT", "mobile", "198.51.100.0")


def test_events_of_requests_are_the_players_view_of_the_cdn(kept: Kept) -> None:
    send_events(kept, "v2-sess")
    assert kept.shard.tables.requests.get("other", "other", "2xx") == 10
    assert kept.shard.tables.request_ttfb.count("other", "other") == 10
    assert kept.shard.tables.gaps.total() == 0
